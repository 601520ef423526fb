module example.com/shop

go 1.23

require (
	github.com/getsentry/sentry-go v0.46.2
	github.com/pkg/errors v0.9.1
)
