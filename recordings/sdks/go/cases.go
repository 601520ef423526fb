package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"sync"
	"text/template"
	"time"

	"github.com/getsentry/sentry-go"
	sentryhttp "github.com/getsentry/sentry-go/http"
	pkgerrors "github.com/pkg/errors"

	"example.com/shop/orders"
	"example.com/shop/prices"
)

// @moved

var cases = map[string]func(){
	"nil-pointer":       func() { orders.Customer(nil) },
	"nil-map":           func() { orders.Count(nil, "tea") },
	"index":             func() { prices.At([]int{1, 2}, 5+rand.Intn(90)) },
	"slice-bounds":      func() { prices.First("tea", 9+rand.Intn(9)) },
	"divide":            func() { prices.Share(rand.Intn(100), 0) },
	"type-assertion":    func() { orders.Total(map[string]any{"total": "12"}) },
	"custom-panic":      func() { panic(fmt.Sprintf("order %d has no lines", rand.Intn(1e6))) },
	"panic-error":       func() { panic(orders.Find(rand.Intn(1e6))) },
	"panic-in-library":  func() { regexp.MustCompile("[a-") },
	"panic-in-sort":     func() { prices.Sorted([]*prices.Offer{{Cents: 3}, nil, {Cents: 1}}) },
	"panic-in-method":   func() { (&orders.Cart{}).Checkout() },
	"panic-in-value":    func() { orders.Receipt{}.Print() },
	"panic-in-closure":  func() { prices.Rounder("two")(3.14) },
	"panic-in-generic":  func() { prices.Reduce([]string{}, func(a, b string) string { return a + b }) },
	"panic-in-defer":    func() { orders.WithLock(func() {}) },
	"panic-again":       func() { orders.Guarded(func() { prices.Share(1, 0) }) },
	"panic-in-embedded": func() { orders.Express{}.Ship() },
	"panic-through-reflection": func() {
		reflect.ValueOf(prices.Share).Call([]reflect.Value{reflect.ValueOf(1), reflect.ValueOf(0)})
	},
	"goroutine":       goroutine,
	"goroutine-named": goroutineNamed,
	"closed-channel":  func() { orders.Publish(rand.Intn(99)) },
	"negative-waitgroup": func() {
		var group sync.WaitGroup
		group.Done()
	},
	"template": func() {
		template.Must(template.New("receipt").Parse("{{ .Order.Customer | nothing }}"))
	},
	"wrapped":        func() { sentry.CaptureException(orders.Load(rand.Intn(1e6))) },
	"joined":         func() { sentry.CaptureException(orders.Refresh("tea", "coffee")) },
	"plain-error":    func() { sentry.CaptureException(errors.New("price list is empty")) },
	"error-with-ids": func() { sentry.CaptureException(fmt.Errorf("order %d not paid", rand.Intn(1e6))) },
	"pkg-errors":     func() { sentry.CaptureException(prices.Parsed("3,50")) },
	"pkg-errors-wrapped": func() {
		sentry.CaptureException(pkgerrors.Wrap(prices.Parsed("four"), "cannot read offer"))
	},
	"sentinel":             func() { sentry.CaptureException(sql.ErrNoRows) },
	"typed-error":          func() { sentry.CaptureException(&orders.Declined{Code: rand.Intn(99)}) },
	"number":               number,
	"json-syntax":          jsonSyntax,
	"json-type":            jsonType,
	"missing-file":         missingFile,
	"refused":              refused,
	"deadline":             deadline,
	"unknown-host":         func() { _, err := net.Dial("tcp", "127.0.0.1:99999"); sentry.CaptureException(err) },
	"driver":               driver,
	"http-handler":         httpHandler,
	"stack-overflow-guard": func() { prices.Deep(rand.Intn(9) + 200) },
	"sort-slice": func() {
		items := []any{1, "two", 3}
		sort.Slice(items, func(a, b int) bool { return items[a].(int) < items[b].(int) })
	},
	"message": func() { sentry.CaptureMessage("price list is older than a day") },
	"message-with-ids": func() {
		sentry.CaptureMessage(fmt.Sprintf("order %d is stuck for %dms", rand.Intn(1e7), rand.Intn(90)))
	},
	"fingerprint-custom": func() {
		sentry.WithScope(func(scope *sentry.Scope) {
			scope.SetFingerprint([]string{"payment", "card"})
			sentry.CaptureException(fmt.Errorf("declined %d", rand.Intn(99)))
		})
	},
	"fingerprint-hybrid": func() {
		sentry.WithScope(func(scope *sentry.Scope) {
			scope.SetFingerprint([]string{"{{ default }}", "tenant-blue"})
			sentry.CaptureException(fmt.Errorf("declined %d", rand.Intn(99)))
		})
	},
}

func goroutine() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer sentry.Recover()
		orders.Customer(nil)
	}()
	<-done
}

func goroutineNamed() {
	var group sync.WaitGroup
	group.Add(1)
	go worker(&group, rand.Intn(1e6))
	group.Wait()
}

func worker(group *sync.WaitGroup, order int) {
	defer group.Done()
	defer sentry.Recover()
	prices.At(nil, order)
}

func number() {
	_, err := strconv.Atoi(fmt.Sprintf("%d boxes", rand.Intn(99)))
	sentry.CaptureException(fmt.Errorf("count of order: %w", err))
}

func jsonSyntax() {
	var order map[string]any
	sentry.CaptureException(json.Unmarshal([]byte(`{"order": `), &order))
}

func jsonType() {
	var order struct{ Count int }
	sentry.CaptureException(json.Unmarshal([]byte(`{"Count": "many"}`), &order))
}

func missingFile() {
	_, err := os.ReadFile(fmt.Sprintf("/srv/feeds/%d.csv", rand.Intn(1e6)))
	var path *fs.PathError
	if errors.As(err, &path) {
		slog.Info("no feed", "path", path.Path)
	}
	sentry.CaptureException(err)
}

func refused() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	address := listener.Addr().String()
	listener.Close()
	_, err := http.Get("http://" + address + "/stock")
	sentry.CaptureException(fmt.Errorf("stock of supplier: %w", err))
}

func deadline() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/slow", nil)
	_, err := http.DefaultClient.Do(request)
	sentry.CaptureException(err)
}

func driver() {
	_, err := sql.Open(fmt.Sprintf("postgres-%d", rand.Intn(9)), "shop")
	sentry.CaptureException(fmt.Errorf("totals: %w", err))
}

func httpHandler() {
	handler := sentryhttp.New(sentryhttp.Options{Repanic: false}).HandleFunc(pay)
	request := httptest.NewRequest("POST", fmt.Sprintf("/orders/%d/pay", rand.Intn(1e6)), nil)
	handler(httptest.NewRecorder(), request)
}

func pay(_ http.ResponseWriter, request *http.Request) {
	orders.Total(map[string]any{"path": request.URL.Path})
}
