package io.stoker.install;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What linking needs to know of a class file: its super-types, its members, and the members of other classes that it uses. */
final class ClassFile {

    /** A field or method; its descriptor tells which. */
    static final class Member {

        final int access;
        final String name;
        final String descriptor;

        Member(int access, String name, String descriptor) {
            this.access = access;
            this.name = name;
            this.descriptor = descriptor;
        }

        boolean isMethod() {
            return descriptor.startsWith("(");
        }
    }

    /** A use of a class ({@code member} is null) or of a member of it. */
    static final class Reference {

        final String owner;
        final String member;
        final String descriptor;

        Reference(String owner, String member, String descriptor) {
            this.owner = owner;
            this.member = member;
            this.descriptor = descriptor;
        }

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

    final String name;
    final int access;
    final String superName;
    final List<String> interfaces;
    final List<Member> members;
    final List<Reference> references;

    private ClassFile(
            String name, int access, String superName, List<String> interfaces, List<Member> members, List<Reference> references) {
        this.name = name;
        this.access = access;
        this.superName = superName;
        this.interfaces = interfaces;
        this.members = members;
        this.references = references;
    }

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
            if (member.name.equals(memberName) && member.descriptor.equals(descriptor)) {
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
                in.readFully(new byte[in.readInt()]);
            }
        }
    }

    /** The constant pool: texts, and entries of one or two indices. */
    private static final class Pool {

        private static final int UTF8 = 1;
        private static final int CLASS = 7;
        private static final int FIELD = 9;
        private static final int METHOD = 10;
        private static final int INTERFACE_METHOD = 11;

        final int[] tags;
        final String[] texts;
        final int[] first;
        final int[] second;

        private Pool(int size) {
            tags = new int[size];
            texts = new String[size];
            first = new int[size];
            second = new int[size];
        }

        static Pool read(DataInputStream in) throws IOException {
            int size = in.readUnsignedShort();
            Pool pool = new Pool(size);
            for (int i = 1; i < size; i++) {
                int tag = in.readUnsignedByte();
                pool.tags[i] = tag;
                switch (tag) {
                    case UTF8:
                        pool.texts[i] = in.readUTF();
                        break;
                    case 3:
                    case 4:
                        in.readInt();
                        break;
                    case 5:
                    case 6:
                        in.readLong();
                        i++;
                        break;
                    case CLASS:
                    case 8:
                    case 16:
                    case 19:
                    case 20:
                        pool.first[i] = in.readUnsignedShort();
                        break;
                    case FIELD:
                    case METHOD:
                    case INTERFACE_METHOD:
                    case 12:
                    case 17:
                    case 18:
                        pool.first[i] = in.readUnsignedShort();
                        pool.second[i] = in.readUnsignedShort();
                        break;
                    case 15:
                        in.readUnsignedByte();
                        in.readUnsignedShort();
                        break;
                    default:
                        throw new IOException("unknown constant of type " + tag);
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

        List<Reference> references() {
            List<Reference> references = new ArrayList<>();
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
        private static void add(List<Reference> references, String owner, String member, String descriptor) {
            if (!owner.startsWith("[")) {
                references.add(new Reference(owner, member, descriptor));
            }
        }
    }
}
