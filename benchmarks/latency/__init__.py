"""From an event on Kafka to the first message in Slack, while a storm runs."""
