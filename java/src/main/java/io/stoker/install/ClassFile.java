package io.stoker.install;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What linking needs to know of a class file: its super-types, its members, and the members of other classes that it uses. */
record ClassFile(String name, int access, String superName, List<String> interfaces, List<Member> members, Set<Reference> references) {

    /** A field or method; its descriptor tells which. */
    record Member(int access, String name, String descriptor) {

        boolean isMethod() {
            return descriptor.startsWith("(");
        }
    }

    /** A use of a class ({@code member} is null) or of a member of it. */
    record Reference(String owner, String member, String descriptor) {

        @Override
        public String toString() {
            String text = owner.replace('/', '.');
            return member == null ? text : text + "." + member + (descriptor.startsWith("(") ? descriptor : "");
        }
    }

    static final int PUBLIC = 0x0001;
    static final int PRIVATE = 0x0002;
    static final int STATIC = 0x0008;
    static final int INTERFACE = 0x0200;
    static final int ABSTRACT = 0x0400;
    static final int SYNTHETIC = 0x1000;

    private static final int MAGIC = 0xCAFEBABE;

    static ClassFile parse(byte[] bytes) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        if (in.readInt() != MAGIC) {
            throw new IOException("not a class file");
        }
        in.readInt();
        Pool pool = Pool.read(in);
        int access = in.readUnsignedShort();
        String name = pool.className(in.readUnsignedShort());
        String superName = pool.className(in.readUnsignedShort());
        List<String> interfaces = new ArrayList<>();
        for (int i = in.readUnsignedShort(); i > 0; i--) {
            interfaces.add(pool.className(in.readUnsignedShort()));
        }
        List<Member> members = new ArrayList<>();
        readMembers(in, pool, members);
        readMembers(in, pool, members);
        return new ClassFile(name, access, superName, interfaces, members, pool.references());
    }

    Member member(String memberName, String descriptor) {
        for (Member member : members) {
            if (member.name().equals(memberName) && member.descriptor().equals(descriptor)) {
                return member;
            }
        }
        return null;
    }

    private static void readMembers(DataInputStream in, Pool pool, List<Member> members) throws IOException {
        for (int i = in.readUnsignedShort(); i > 0; i--) {
            members.add(new Member(in.readUnsignedShort(), pool.text(in.readUnsignedShort()), pool.text(in.readUnsignedShort())));
            for (int attribute = in.readUnsignedShort(); attribute > 0; attribute--) {
                in.readUnsignedShort();
                in.skipNBytes(Integer.toUnsignedLong(in.readInt()));
            }
        }
    }

    /** The constant pool: texts, and entries of one or two indices. */
    private record Pool(int[] tags, String[] texts, int[] first, int[] second) {

        private static final int UTF8 = 1;
        private static final int CLASS = 7;
        private static final int FIELD = 9;
        private static final int METHOD = 10;
        private static final int INTERFACE_METHOD = 11;

        static Pool read(DataInputStream in) throws IOException {
            int size = in.readUnsignedShort();
            Pool pool = new Pool(new int[size], new String[size], new int[size], new int[size]);
            for (int i = 1; i < size; i++) {
                int tag = in.readUnsignedByte();
                pool.tags[i] = tag;
                switch (tag) {
                    case UTF8 -> pool.texts[i] = in.readUTF();
                    case 3, 4 -> in.readInt();
                    case 5, 6 -> {
                        in.readLong();
                        i++;
                    }
                    case CLASS, 8, 16, 19, 20 -> pool.first[i] = in.readUnsignedShort();
                    case FIELD, METHOD, INTERFACE_METHOD, 12, 17, 18 -> {
                        pool.first[i] = in.readUnsignedShort();
                        pool.second[i] = in.readUnsignedShort();
                    }
                    case 15 -> {
                        in.readUnsignedByte();
                        in.readUnsignedShort();
                    }
                    default -> throw new IOException("unknown constant of type " + tag);
                }
            }
            return pool;
        }

        String text(int index) {
            return texts[index];
        }

        String className(int index) {
            return index == 0 ? null : texts[first[index]];
        }

        Set<Reference> references() {
            Set<Reference> references = new HashSet<>();
            for (int i = 1; i < tags.length; i++) {
                if (tags[i] == CLASS) {
                    add(references, className(i), null, null);
                } else if (tags[i] == FIELD || tags[i] == METHOD || tags[i] == INTERFACE_METHOD) {
                    int nameAndType = second[i];
                    add(references, className(first[i]), text(first[nameAndType]), text(second[nameAndType]));
                }
            }
            return references;
        }

        /** Arrays have the members that every object has. */
        private static void add(Set<Reference> references, String owner, String member, String descriptor) {
            if (!owner.startsWith("[")) {
                references.add(new Reference(owner, member, descriptor));
            }
        }
    }
}
