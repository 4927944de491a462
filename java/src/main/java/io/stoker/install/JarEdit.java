package io.stoker.install;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** Takes an entry out of a jar, or replaces it, and leaves the bytes of every other entry as they are, packed data and dates included. */
final class JarEdit {

    private static final int LOCAL_HEADER = 0x04034b50;
    private static final int CENTRAL_HEADER = 0x02014b50;
    private static final int END_OF_DIRECTORY = 0x06054b50;
    private static final int LOCAL_SIZE = 30;
    private static final int CENTRAL_SIZE = 46;
    private static final int END_SIZE = 22;
    private static final int MAX_COMMENT = 0xFFFF;
    private static final int ZIP64_COUNT = 0xFFFF;

    /** An entry of the central directory: where it is, and where the data it points to begins. */
    private static final class Entry {

        final String name;
        final int position;
        final int length;
        final int dataStart;

        Entry(String name, int position, int length, int dataStart) {
            this.name = name;
            this.position = position;
            this.length = length;
            this.dataStart = dataStart;
        }
    }

    private final ByteBuffer jar;
    private final int endPosition;
    private final int directoryStart;
    private final List<Entry> entries = new ArrayList<>();

    private JarEdit(byte[] bytes) throws IOException {
        jar = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        endPosition = findEnd();
        int count = jar.getShort(endPosition + 10) & 0xFFFF;
        directoryStart = jar.getInt(endPosition + 16);
        if (count == ZIP64_COUNT || directoryStart < 0 || directoryStart + jar.getInt(endPosition + 12) != endPosition) {
            throw new IOException("the jar has a layout that cannot be edited (zip64, or data in front of it)");
        }
        int position = directoryStart;
        for (int i = 0; i < count; i++) {
            if (jar.getInt(position) != CENTRAL_HEADER) {
                throw new IOException("the jar's directory is damaged");
            }
            int nameLength = jar.getShort(position + 28) & 0xFFFF;
            int length = CENTRAL_SIZE + nameLength + (jar.getShort(position + 30) & 0xFFFF) + (jar.getShort(position + 32) & 0xFFFF);
            String name = new String(bytes, position + CENTRAL_SIZE, nameLength, StandardCharsets.UTF_8);
            entries.add(new Entry(name, position, length, jar.getInt(position + 42)));
            position += length;
        }
    }

    /** The jar without the entry or, where {@code content} is not null, with that content in it. */
    static byte[] replace(byte[] jarBytes, String name, byte[] content) throws IOException {
        try {
            return new JarEdit(jarBytes).write(name, content);
        } catch (IndexOutOfBoundsException e) {
            throw new IOException("the jar is damaged", e);
        }
    }

    private int findEnd() throws IOException {
        for (int i = jar.limit() - END_SIZE; i >= Math.max(0, jar.limit() - END_SIZE - MAX_COMMENT); i--) {
            if (jar.getInt(i) == END_OF_DIRECTORY && i + END_SIZE + (jar.getShort(i + 20) & 0xFFFF) == jar.limit()) {
                return i;
            }
        }
        throw new IOException("the file is no jar");
    }

    private byte[] write(String name, byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(jar.limit());
        Map<Entry, Integer> starts = copyData(name, content, out);

        int newDirectoryStart = out.size();
        int count = 0;
        for (Entry entry : entries) {
            boolean edited = entry.name.equals(name);
            if (edited && content == null) {
                continue;
            }
            ByteBuffer header = copy(entry.position, entry.length);
            header.putInt(42, starts.get(entry));
            if (edited) {
                store(header, 8, 10, 16, content);
            }
            out.write(header.array());
            count++;
        }

        ByteBuffer end = copy(endPosition, jar.limit() - endPosition);
        end.putShort(8, (short) count).putShort(10, (short) count);
        end.putInt(12, out.size() - newDirectoryStart).putInt(16, newDirectoryStart);
        out.write(end.array());
        return out.toByteArray();
    }

    /** Copies what lies between the start of one entry and that of the next; returns where each entry starts now. */
    private Map<Entry, Integer> copyData(String name, byte[] content, ByteArrayOutputStream out) throws IOException {
        List<Entry> byStart = new ArrayList<>(entries);
        byStart.sort(Comparator.comparingInt(entry -> entry.dataStart));
        Map<Entry, Integer> starts = new HashMap<>();
        for (int i = 0; i < byStart.size(); i++) {
            Entry entry = byStart.get(i);
            if (jar.getInt(entry.dataStart) != LOCAL_HEADER) {
                throw new IOException("the entry " + entry.name + " is damaged");
            }
            starts.put(entry, out.size());
            if (!entry.name.equals(name)) {
                int next = i + 1 < byStart.size() ? byStart.get(i + 1).dataStart : directoryStart;
                out.write(copy(entry.dataStart, next - entry.dataStart).array());
            } else if (content != null) {
                int nameLength = jar.getShort(entry.dataStart + 26) & 0xFFFF;
                ByteBuffer header = copy(entry.dataStart, LOCAL_SIZE + nameLength);
                store(header, 6, 8, 14, content);
                header.putShort(28, (short) 0);
                out.write(header.array());
                out.write(content);
            }
        }
        return starts;
    }

    /** Turns a header into that of an unpacked entry without a data descriptor. */
    private static void store(ByteBuffer header, int flags, int method, int crc, byte[] content) {
        final int descriptorFlag = 0x0008;
        CRC32 checksum = new CRC32();
        checksum.update(content);
        header.putShort(flags, (short) (header.getShort(flags) & ~descriptorFlag));
        header.putShort(method, (short) 0);
        header.putInt(crc, (int) checksum.getValue()).putInt(crc + 4, content.length).putInt(crc + 8, content.length);
    }

    private ByteBuffer copy(int position, int length) {
        byte[] bytes = new byte[length];
        System.arraycopy(jar.array(), position, bytes, 0, length);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
