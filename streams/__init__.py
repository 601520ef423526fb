"""What runs Stormfold: Kafka, Faust, HTTP, files and clocks. Decisions are made in
`correlators`."""
