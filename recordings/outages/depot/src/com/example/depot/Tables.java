package com.example.depot;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The depot's database, over a few connections. */
final class Tables {
    private static final int CONNECTIONS = 3;
    private static final int LIMIT_MS = 600;

    private final String url =
            "jdbc:h2:tcp://127.0.0.1:" + System.getenv("APP_DATABASE_PORT") + "/mem:depot";
    private final Semaphore free = new Semaphore(CONNECTIONS);

    /** Returns the first column of the first row, or null. */
    String selectOne(String sql, String argument) throws SQLException, InterruptedException {
        if (!free.tryAcquire(LIMIT_MS, TimeUnit.MILLISECONDS)) {
            throw new NoConnectionFree("none of " + CONNECTIONS + " connections free in " + LIMIT_MS + " ms");
        }
        try (Connection connection = DriverManager.getConnection(url, "sa", "");
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, argument);
            try (ResultSet found = statement.executeQuery()) {
                return found.next() ? found.getString(1) : null;
            }
        } finally {
            free.release();
        }
    }
}
