"""The way back shown: an outage handled by people, each button and command, times under a storm."""
