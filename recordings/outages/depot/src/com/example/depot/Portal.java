package com.example.depot;

import java.io.IOException;

/** The portal: what senders and receivers talk to. */
final class Portal extends Service {
    private final Upstream parcels = new Upstream("parcels", System.getenv("APP_PARCELS_PORT"));
    private final Upstream tariffs = new Upstream("tariffs", System.getenv("APP_TARIFFS_PORT"));

    Portal() throws IOException {
        on("/track/", call -> parcels.call("GET", "/parcels/" + call.argument(), "", call.user()));
        on("/quotes/", call -> tariffs.call("GET", "/quotes/" + call.argument(), "", call.user()));
        on("/pickups/", call -> Pickups.slot(call.argument()));
        on("/zones/", call -> "Z" + zoneOf(call.argument()));
    }

    private static int zoneOf(String postcode) {
        return Integer.parseInt(postcode) / 10_000;
    }

    public static void main(String[] arguments) throws IOException {
        new Portal().start();
    }
}
