package com.example.depot;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Optional;

/** The tariffs service: what sending costs. */
final class Tariffs extends Service {
    private final Tables tables = new Tables();
    private final Upstream parcels = new Upstream("parcels", System.getenv("APP_PARCELS_PORT"));

    Tariffs() throws IOException {
        on("/tariffs/", call -> "" + cents(call.argument()));
        on("/quotes/", call -> quote(call.argument(), call.user()));
        on("/islands/", call -> "" + islandSurcharge(call.argument()));
        on("/customs/", call -> customsClass(call.argument()).name());
    }

    private int cents(String zone) throws InterruptedException {
        try {
            return Integer.parseInt(tables.selectOne("select cents from tariffs where zone = ?", zone));
        } catch (SQLException error) {
            throw new StorageFailed("no tariff for zone " + zone, error);
        }
    }

    private String quote(String id, String user) throws Exception {
        String size = parcels.call("GET", "/sizes/" + id, "", user);
        return size + " costs " + cents("Z" + id.charAt(id.length() - 1));
    }

    private static int islandSurcharge(String island) {
        return Optional.of(island).filter(name -> name.equals("sylt")).map(name -> 400).orElseThrow();
    }

    private static CustomsClass customsClass(String code) {
        return CustomsClass.valueOf(code.toUpperCase());
    }

    private enum CustomsClass { GIFT, GOODS, DOCUMENTS }

    public static void main(String[] arguments) throws IOException {
        new Tariffs().start();
    }
}
