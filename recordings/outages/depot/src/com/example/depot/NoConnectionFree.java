package com.example.depot;

import java.sql.SQLTransientConnectionException;

/** All connections to the database are in use and none came free in time. */
final class NoConnectionFree extends SQLTransientConnectionException {
    NoConnectionFree(String message) {
        super(message);
    }
}
