// Runs one case; a panic is reported by the SDK and raised again.
package main

import (
	"os"
	"time"

	"github.com/getsentry/sentry-go"
)

func main() {
	err := sentry.Init(sentry.ClientOptions{
		Dsn:              os.Getenv("SENTRY_DSN"),
		Release:          os.Getenv("APP_RELEASE"),
		Environment:      "production",
		ServerName:       "app-1",
		AttachStacktrace: true,
	})
	if err != nil {
		panic(err)
	}
	defer sentry.Flush(5 * time.Second)
	defer sentry.Recover()
	cases[os.Args[1]]()
}
