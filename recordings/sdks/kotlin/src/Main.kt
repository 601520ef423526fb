package com.example.shop

import io.sentry.Sentry

/** Runs one case; what it throws is reported by the SDK's handler of uncaught exceptions. */
fun main(args: Array<String>) {
    Sentry.init { options ->
        options.dsn = System.getenv("SENTRY_DSN")
        options.release = System.getenv("APP_RELEASE")
        options.environment = "production"
        options.serverName = "app-1"
        options.addInAppInclude("com.example.shop")
    }
    Runtime.getRuntime().addShutdownHook(Thread { Sentry.flush(5000) })
    cases.getValue(args[0])()
    Sentry.flush(5000)
}
