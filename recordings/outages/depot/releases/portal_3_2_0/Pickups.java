package com.example.depot;

import java.time.DayOfWeek;

/** When parcels are picked up, as of release 3.2.0: in slots, but nobody thought of Sundays. */
final class Pickups {
    private static final String[] SLOTS = {"8-12", "8-12", "9-13", "9-13", "8-12", "9-11"};

    static String slot(String day) {
        return day + " " + slotOf(DayOfWeek.valueOf(day.toUpperCase()));
    }

    private static String slotOf(DayOfWeek day) {
        return SLOTS[day.ordinal()];
    }

    private Pickups() {}
}
