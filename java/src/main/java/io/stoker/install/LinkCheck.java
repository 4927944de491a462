package io.stoker.install;

import io.stoker.Bytes;
import io.stoker.install.ClassFile.Member;
import io.stoker.install.ClassFile.Reference;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Checks that the classes of one jar would link against a set of others: that each class and member they use is there, that each
 * public method that overrides one of Spark's still does, and that no abstract method is left without a body.
 */
final class LinkCheck implements Closeable {

    private static final String CONSTRUCTOR = "<init>";
    private static final String INITIALISER = "<clinit>";

    /** Knows the classes of the JDK and no others. */
    private static final ClassLoader JDK = ClassLoader.getSystemClassLoader().getParent();

    private final ZipFile own;
    private final List<ZipFile> others = new ArrayList<>();
    private final Map<String, ClassFile> parsed = new HashMap<>();

    LinkCheck(Path ownJar, List<Path> jars) throws IOException {
        own = new ZipFile(ownJar.toFile());
        try {
            for (Path jar : jars) {
                others.add(new ZipFile(jar.toFile()));
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** What is missing, in words; empty where the classes below {@code prefix} (as in {@code io/stoker/spark/}) link. */
    Set<String> missing(String prefix) throws IOException {
        Set<String> missing = new TreeSet<>();
        for (ZipEntry entry : Collections.list(own.entries())) {
            if (entry.getName().startsWith(prefix) && entry.getName().endsWith(".class")) {
                ClassFile type = ClassFile.parse(read(own, entry));
                parsed.put(type.name, type);
                checkReferences(type, missing);
                checkMethods(type, missing);
            }
        }
        return missing;
    }

    @Override
    public void close() throws IOException {
        own.close();
        for (ZipFile other : others) {
            other.close();
        }
    }

    private void checkReferences(ClassFile type, Set<String> missing) throws IOException {
        for (Reference reference : type.references) {
            ClassFile owner = find(reference.owner);
            if (owner == null) {
                missing.add("class " + reference.owner.replace('/', '.'));
            } else if (reference.member != null && !resolves(owner, reference)) {
                missing.add(reference.toString());
            }
        }
    }

    private boolean resolves(ClassFile owner, Reference reference) throws IOException {
        boolean inherited = !reference.member.equals(CONSTRUCTOR);
        for (ClassFile type : inherited ? withSuperTypes(owner) : Collections.singletonList(owner)) {
            if (isUsable(type, reference.member, reference.descriptor) || isSignaturePolymorphic(type)) {
                return true;
            }
        }
        return false;
    }

    /** Nested classes use each other's private members, but nobody else's. */
    private boolean isUsable(ClassFile type, String memberName, String descriptor) {
        Member member = type.member(memberName, descriptor);
        return member != null && ((member.access & ClassFile.PRIVATE) == 0 || own.getEntry(type.name + ".class") != null);
    }

    private static boolean isSignaturePolymorphic(ClassFile type) {
        return type.name.equals("java/lang/invoke/MethodHandle") || type.name.equals("java/lang/invoke/VarHandle");
    }

    private void checkMethods(ClassFile type, Set<String> missing) throws IOException {
        List<ClassFile> all = withSuperTypes(type);
        List<ClassFile> above = all.subList(1, all.size());
        if (above.stream().anyMatch(superType -> !isOfJdk(superType.name))) {
            for (Member method : type.members) {
                if (isOverride(method) && above.stream().noneMatch(superType -> isUsable(superType, method.name, method.descriptor))) {
                    missing.add("a method to override: " + new Reference(type.superName, method.name, method.descriptor));
                }
            }
        }
        if ((type.access & (ClassFile.ABSTRACT | ClassFile.INTERFACE)) == 0) {
            for (ClassFile superType : above) {
                for (Member method : superType.members) {
                    if (isAbstract(method) && !hasBody(all, method)) {
                        missing.add("a body for " + new Reference(superType.name, method.name, method.descriptor));
                    }
                }
            }
        }
    }

    /** The classes of Stoker declare a method public only where it overrides one. */
    private static boolean isOverride(Member method) {
        return method.isMethod()
                && (method.access & (ClassFile.PUBLIC | ClassFile.STATIC | ClassFile.SYNTHETIC)) == ClassFile.PUBLIC
                && !method.name.equals(CONSTRUCTOR)
                && !method.name.equals(INITIALISER);
    }

    private static boolean isAbstract(Member method) {
        return method.isMethod() && (method.access & ClassFile.ABSTRACT) != 0;
    }

    private static boolean hasBody(List<ClassFile> types, Member method) {
        return types.stream()
                .map(type -> type.member(method.name, method.descriptor))
                .anyMatch(found -> found != null && !isAbstract(found) && (found.access & ClassFile.STATIC) == 0);
    }

    /** The type itself first, then all its super-types. */
    private List<ClassFile> withSuperTypes(ClassFile type) throws IOException {
        Set<ClassFile> all = new LinkedHashSet<>();
        collect(type, all);
        return new ArrayList<>(all);
    }

    private void collect(ClassFile type, Set<ClassFile> all) throws IOException {
        if (type != null && all.add(type)) {
            if (type.superName != null) {
                collect(find(type.superName), all);
            }
            for (String name : type.interfaces) {
                collect(find(name), all);
            }
        }
    }

    private ClassFile find(String name) throws IOException {
        if (!parsed.containsKey(name)) {
            byte[] bytes = load(name + ".class");
            parsed.put(name, bytes == null ? null : ClassFile.parse(bytes));
        }
        return parsed.get(name);
    }

    private byte[] load(String file) throws IOException {
        if (own.getEntry(file) != null) {
            return read(own, own.getEntry(file));
        }
        for (ZipFile jar : others) {
            ZipEntry entry = jar.getEntry(file);
            if (entry != null) {
                return read(jar, entry);
            }
        }
        try (InputStream in = JDK.getResourceAsStream(file)) {
            return in == null ? null : Bytes.readAll(in);
        }
    }

    private static boolean isOfJdk(String name) {
        return JDK.getResource(name + ".class") != null;
    }

    private static byte[] read(ZipFile jar, ZipEntry entry) throws IOException {
        try (InputStream in = jar.getInputStream(entry)) {
            return Bytes.readAll(in);
        }
    }
}
