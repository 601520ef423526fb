package com.example.shop;

import io.sentry.Sentry;

/** Runs one case; what it throws is reported by the SDK's handler of uncaught exceptions. */
public final class Main {
    public static void main(String[] args) throws Throwable {
        Sentry.init(options -> {
            options.setDsn(System.getenv("SENTRY_DSN"));
            options.setRelease(System.getenv("APP_RELEASE"));
            options.setEnvironment("production");
            options.setServerName("app-1");
            if (!args[0].endsWith("-no-in-app")) {
                options.addInAppInclude("com.example.shop");
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Sentry.flush(5000)));
        Case found = Cases.ALL.get(args[0].replace("-no-in-app", ""));
        found.run();
        Sentry.flush(5000);
    }

    /** One way to fail. */
    public interface Case {
        void run() throws Throwable;
    }

    private Main() {}
}
