package com.example.depot;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sentry.ISentryLifecycleToken;
import io.sentry.Sentry;
import io.sentry.protocol.Request;
import io.sentry.protocol.User;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** How a service of the depot runs: error reporting on, one listening socket of loopback. */
abstract class Service {
    /** One request: the last part of its path, its body, who asks. */
    record Call(String argument, String body, String user) {}

    /** Answers requests of one kind. */
    interface Handler {
        String answer(Call call) throws Exception;
    }

    private final HttpServer server;

    Service() throws IOException {
        Sentry.init(options -> {
            options.setDsn(System.getenv("APP_DSN"));
            options.setRelease(System.getenv("APP_RELEASE"));
            options.setEnvironment("production");
            options.setServerName(System.getenv("APP_SERVER_NAME"));
            options.addInAppInclude("com.example.depot");
            options.setMaxBreadcrumbs(20);
            options.setTag("region", "eu-1");
        });
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(24));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(1)));
    }

    final void on(String path, Handler handler) {
        server.createContext(path, exchange -> handle(path, exchange, handler));
    }

    final void start() {
        server.start();
        System.out.println("ready " + server.getAddress().getPort());
    }

    private void handle(String path, HttpExchange exchange, Handler handler) throws IOException {
        try (ISentryLifecycleToken scope = Sentry.pushIsolationScope()) {
            tellSentry(path, exchange);
            int status = 200;
            String answer;
            try {
                answer = handler.answer(call(path, exchange));
            } catch (Exception error) {
                Sentry.captureException(error);
                status = 500;
                answer = "something went wrong";
            }
            byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(bytes);
            }
        }
    }

    private static Call call(String path, HttpExchange exchange) throws IOException {
        String rest = exchange.getRequestURI().getPath().substring(path.length());
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        return new Call(rest, body, exchange.getRequestHeaders().getFirst("X-User"));
    }

    private static void tellSentry(String path, HttpExchange exchange) {
        String name = exchange.getRequestHeaders().getFirst("X-User");
        String method = exchange.getRequestMethod();
        Sentry.continueTrace(
                exchange.getRequestHeaders().getFirst("sentry-trace"),
                exchange.getRequestHeaders().get("baggage"));
        Sentry.configureScope(scope -> {
            Request request = new Request();
            request.setMethod(method);
            request.setUrl("http://" + exchange.getRequestHeaders().getFirst("Host") + exchange.getRequestURI());
            scope.setRequest(request);
            scope.setTransaction(method + " " + path);
            if (name != null) {
                User user = new User();
                user.setId(name);
                user.setEmail(name + "@example.com");
                user.setIpAddress("192.0.2." + name.substring(4));
                scope.setUser(user);
            }
        });
        Sentry.addBreadcrumb(method + " " + exchange.getRequestURI(), "http.server");
    }
}
