package com.example.depot;

import java.io.IOException;

/** Another service gave no answer in time. */
final class UpstreamTimeout extends IOException {
    UpstreamTimeout(String message, Throwable cause) {
        super(message, cause);
    }
}
