package com.example.depot;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import org.h2.tools.Server;

/** The database itself: H2 over TCP, in memory. It is what dies; nobody there reports errors. */
final class Database {
    public static void main(String[] arguments) throws Exception {
        double warmUpSeconds = Double.parseDouble(arguments[1]);
        Connection keep = DriverManager.getConnection("jdbc:h2:mem:depot;DB_CLOSE_DELAY=-1", "sa", "");
        Server server = Server.createTcpServer("-tcpPort", arguments[0]).start();
        if (warmUpSeconds > 0) {
            System.out.println("ready " + server.getPort());
            Thread.sleep((long) (warmUpSeconds * 1000));
        }
        try (Statement load = keep.createStatement()) {
            load.execute("create table tariffs(zone varchar primary key, cents int) as"
                    + " select 'Z' || x, 450 + 35 * x from system_range(0, 9)");
            load.execute("create table parcels(id varchar primary key, place varchar) as"
                    + " select 'P' || x, 'hub ' || mod(x, 7) from system_range(100, 999)");
        }
        if (warmUpSeconds == 0) {
            System.out.println("ready " + server.getPort());
        }
        Thread.sleep(Long.MAX_VALUE);
    }

    private Database() {}
}
