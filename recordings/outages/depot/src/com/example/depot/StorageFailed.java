package com.example.depot;

/** The tariffs cannot be read; the cause says why. */
final class StorageFailed extends RuntimeException {
    StorageFailed(String message, Throwable cause) {
        super(message, cause);
    }
}
