package com.example.depot;

import io.sentry.BaggageHeader;
import io.sentry.Sentry;
import io.sentry.SentryTraceHeader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;

/** Another service of the depot; calls carry the SDK's trace headers. */
final class Upstream {
    private static final Duration LIMIT = Duration.ofMillis(1500);

    private final String name;
    private final String base;
    private final HttpClient client = HttpClient.newHttpClient();

    Upstream(String name, String port) {
        this.name = name;
        this.base = "http://127.0.0.1:" + port;
    }

    String call(String method, String path, String body, String user)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(LIMIT)
                .header("X-User", user)
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        SentryTraceHeader trace = Sentry.getTraceparent();
        BaggageHeader baggage = Sentry.getBaggage();
        if (trace != null) {
            request.header(trace.getName(), trace.getValue());
        }
        if (baggage != null) {
            request.header(baggage.getName(), baggage.getValue());
        }
        HttpResponse<String> answer;
        try {
            answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (HttpTimeoutException error) {
            throw new UpstreamTimeout(name + " gave no answer in " + LIMIT.toMillis() + " ms", error);
        }
        if (answer.statusCode() >= 500) {
            throw new UpstreamFailed(
                    name + " answered " + answer.statusCode() + " to " + method + " " + path);
        }
        return answer.body();
    }
}
