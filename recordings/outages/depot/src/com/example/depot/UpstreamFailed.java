package com.example.depot;

import java.io.IOException;

/** Another service answered with an error of its own. */
final class UpstreamFailed extends IOException {
    UpstreamFailed(String message) {
        super(message);
    }
}
