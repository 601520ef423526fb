package com.example.shop;

import com.example.shop.Main.Case;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sentry.Sentry;
import io.sentry.SentryEvent;
import io.sentry.SentryLevel;
import io.sentry.protocol.Message;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The cases: a small shop that fails in many ways. */
final class Cases {
    static final Map<String, Case> ALL = new LinkedHashMap<>();
    static final Random RANDOM = new Random();

    // @moved
    static {
        ALL.put("null-pointer", () -> Orders.customer(null));
        ALL.put("class-cast", () -> Prices.cents(Map.of("cents", "12")));
        ALL.put("number-format", () -> Prices.parse(RANDOM.nextInt(99) + " boxes"));
        ALL.put("array-index", () -> Prices.at(new int[2], 5 + RANDOM.nextInt(99)));
        ALL.put("arithmetic", () -> Prices.share(RANDOM.nextInt(99), 0));
        ALL.put("chained", () -> Orders.load("order-" + RANDOM.nextInt(100000)));
        ALL.put("chained-thrice", () -> Orders.checkout(UUID.randomUUID()));
        ALL.put("suppressed", Cases::suppressed);
        ALL.put("recursion", () -> Prices.discount(RANDOM.nextInt(9)));
        ALL.put("recursion-mutual", () -> Prices.even(1_000_000_000));
        ALL.put("lambda", () -> Stream.of("1", "two").map(text -> Integer.parseInt(text)).toList());
        ALL.put("lambda-nested", Cases::nestedLambda);
        ALL.put("method-reference", () -> Stream.of("1.00", "two").map(Prices::parse).toList());
        ALL.put("anonymous-class", () -> Orders.lazy().get());
        ALL.put("inner-class", () -> new Orders().new Line().total());
        ALL.put("local-class", Cases::localClass);
        ALL.put("generics", () -> new Prices.Box<>((Object) "tea").<Integer>as().intValue());
        ALL.put("generic-bound", () -> Prices.largest(List.<Integer>of()));
        ALL.put("enum", () -> Orders.Status.valueOf("STATUS_" + RANDOM.nextInt(99)));
        ALL.put("static-init", () -> Broken.RATE.intValue());
        ALL.put("abstract-method", () -> new Orders.Express().ship());
        ALL.put("interface-default", () -> new Orders.Parcel().weigh());
        ALL.put("record", () -> new Orders.Item("tea", -1));
        ALL.put("switch-pattern", () -> Prices.kind(RANDOM.nextDouble()));
        ALL.put("optional", () -> Optional.ofNullable(Orders.find(RANDOM.nextInt(99))).orElseThrow());
        ALL.put("iterator-modified", Cases::modified);
        ALL.put("reflection", () -> Orders.class.getDeclaredMethod("customer", Orders.class).invoke(null, (Object) null));
        ALL.put("reflection-cause", Cases::reflectionCause);
        ALL.put("dynamic-proxy", () -> Proxies.jdk().price("tea"));
        ALL.put("dynamic-proxy-undeclared", () -> Proxies.undeclared().price("tea"));
        ALL.put("cglib", () -> Proxies.cglib().price(null));
        ALL.put("byte-buddy", () -> Proxies.byteBuddy().price(null));
        ALL.put("thread", () -> join(new Thread(() -> Orders.customer(null), "worker-" + RANDOM.nextInt(99))));
        ALL.put("executor", Cases::executor);
        ALL.put("completable-future", () -> CompletableFuture.supplyAsync(() -> Prices.parse("n/a")).thenApply(x -> x + 1).get());
        ALL.put("completable-join", () -> CompletableFuture.runAsync(() -> Orders.customer(null)).join());
        ALL.put("parallel-stream", () -> List.of("1", "2", "x").parallelStream().map(Prices::parse).toList());
        ALL.put("virtual-like-scheduler", Cases::scheduled);
        ALL.put("timeout", () -> CompletableFuture.supplyAsync(Cases::slow).get(10, TimeUnit.MILLISECONDS));
        ALL.put("socket-refused", () -> new Socket("127.0.0.1", freePort()).close());
        ALL.put("http-refused", () -> http("http://127.0.0.1:" + freePort() + "/stock/" + RANDOM.nextInt(99)));
        ALL.put("missing-file", () -> Files.readString(Path.of("/srv/feeds/" + UUID.randomUUID() + ".csv")));
        ALL.put("sql-syntax", () -> sql("select totl from"));
        ALL.put("sql-missing-table", () -> sql("select * from orders_" + RANDOM.nextInt(99)));
        ALL.put("sql-unique", Cases::unique);
        ALL.put("json", () -> new ObjectMapper().readTree("{\"order\": "));
        ALL.put("json-mapping", () -> new ObjectMapper().readValue("{\"count\": \"many\"}", Orders.Count.class));
        ALL.put("date", () -> LocalDate.parse("2025-13-0" + (1 + RANDOM.nextInt(8))));
        ALL.put("class-not-found", () -> Class.forName("com.example.plugins.Tax" + RANDOM.nextInt(9)));
        ALL.put("out-of-memory", () -> new ArrayList<>(List.of(new long[Integer.MAX_VALUE])));
        ALL.put("assertion", () -> Prices.checked(-1));
        ALL.put("interrupted", Cases::interrupted);
        ALL.put("callable-of-library", () -> join(Executors.defaultThreadFactory().newThread(new LibraryTask("x"))));
        ALL.put("handled", Cases::handled);
        ALL.put("message", () -> Sentry.captureMessage("price list is older than a day", SentryLevel.WARNING));
        ALL.put("message-with-ids", () -> Sentry.captureMessage("order " + RANDOM.nextInt(9999999) + " is stuck since " + LocalDate.now().minusDays(RANDOM.nextInt(9))));
        ALL.put("message-with-parameters", Cases::messageWithParameters);
        ALL.put("fingerprint-custom", () -> fingerprint("payment", "card"));
        ALL.put("fingerprint-hybrid", () -> fingerprint("{{ default }}", "tenant-blue"));
    }

    static void suppressed() throws Exception {
        try (AutoCloseable lock = () -> { throw new IllegalStateException("lock is gone"); }) {
            Orders.customer(null);
        }
    }

    static void nestedLambda() {
        Supplier<Function<String, Integer>> parser = () -> text -> {
            Supplier<Integer> inner = () -> Integer.parseInt(text);
            return inner.get();
        };
        parser.get().apply("three");
    }

    static void localClass() {
        class Cart {
            int first(List<Integer> items) {
                return items.get(3);
            }
        }
        new Cart().first(List.of());
    }

    static void modified() {
        Map<Integer, String> stock = new HashMap<>(Map.of(1, "tea", 2, "coffee"));
        for (Iterator<Integer> all = stock.keySet().iterator(); all.hasNext(); ) {
            stock.put(all.next() + 10, "cocoa");
        }
    }

    static void reflectionCause() throws Throwable {
        try {
            Orders.class.getDeclaredMethod("customer", Orders.class).invoke(null, (Object) null);
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    static void join(Thread thread) throws InterruptedException {
        thread.start();
        thread.join();
    }

    static void executor() throws Exception {
        try (var pool = new Pool(Executors.newFixedThreadPool(2))) {
            pool.executor().submit(() -> Prices.parse("cocoa")).get();
        }
    }

    record Pool(java.util.concurrent.ExecutorService executor) implements AutoCloseable {
        @Override
        public void close() {
            executor.shutdown();
        }
    }

    static void scheduled() throws Exception {
        var pool = Executors.newSingleThreadScheduledExecutor();
        try {
            pool.schedule(() -> Orders.customer(null), 1, TimeUnit.MILLISECONDS).get();
        } finally {
            pool.shutdown();
        }
    }

    static String slow() {
        try {
            Thread.sleep(2000);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        return "";
    }

    static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    static void http(String address) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(address)).build();
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    static void sql(String query) throws Exception {
        try (var connection = DriverManager.getConnection("jdbc:h2:mem:")) {
            connection.createStatement().executeQuery(query);
        }
    }

    static void unique() throws Exception {
        try (var connection = DriverManager.getConnection("jdbc:h2:mem:")) {
            var statement = connection.createStatement();
            statement.execute("create table carts (id varchar primary key)");
            String insert = "insert into carts values ('" + UUID.randomUUID() + "')";
            statement.execute(insert);
            statement.execute(insert);
        }
    }

    static void interrupted() throws Exception {
        Thread.currentThread().interrupt();
        Thread.sleep(10);
    }

    static void handled() {
        try {
            Prices.parse(RANDOM.nextInt(99) + " EUR");
        } catch (NumberFormatException error) {
            Sentry.captureException(error);
        }
    }

    static void messageWithParameters() {
        Message message = new Message();
        message.setMessage("could not bill {} for order {}");
        message.setParams(List.of(UUID.randomUUID().toString(), "" + RANDOM.nextInt(99999)));
        SentryEvent event = new SentryEvent();
        event.setLogger("com.example.shop.Billing");
        event.setLevel(SentryLevel.ERROR);
        event.setMessage(message);
        Sentry.captureEvent(event);
    }

    static void fingerprint(String... parts) {
        Sentry.configureScope(scope -> scope.setFingerprint(List.of(parts)));
        Sentry.captureException(new IllegalStateException("declined " + RANDOM.nextInt(99)));
    }

    private Cases() {}
}

/** A task without a frame of its own: the library's constructor of numbers fails. */
final class LibraryTask extends java.util.concurrent.FutureTask<Integer> {
    LibraryTask(String text) {
        super(new java.util.concurrent.Callable<>() {
            @Override
            public Integer call() {
                return Integer.valueOf(text);
            }
        });
    }

    @Override
    protected void setException(Throwable error) {
        Sentry.captureException(error);
    }
}

/** A class whose constants cannot be made. */
final class Broken {
    static final Integer RATE = Integer.valueOf("nineteen");

    private Broken() {}
}
