import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** An API server that takes every object and has none. */
final class Server implements AutoCloseable {

    private final BlockingQueue<String> pods = new LinkedBlockingQueue<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    Server() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.setExecutor(threads);
        server.start();
    }

    String master() {
        return "k8s://http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The next pod that is made. */
    String nextPod() throws InterruptedException {
        String pod = pods.poll(Checks.LONG, TimeUnit.MILLISECONDS);
        Checks.check(pod != null, "no pod was made");
        return pod;
    }

    private void answer(HttpExchange exchange) throws IOException {
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        if (query.contains("watch=true")) {
            // Open until somebody closes it, and silent.
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().flush();
            return;
        }
        String answer = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}";
        if (exchange.getRequestMethod().equals("POST")) {
            answer = body.replaceFirst("\"metadata\":\\{", "\"metadata\":{\"uid\":\"" + pods.size() + "\",");
            if (exchange.getRequestURI().getPath().endsWith("/pods")) {
                pods.add(body);
            }
        }
        byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
