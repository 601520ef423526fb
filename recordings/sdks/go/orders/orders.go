// Package orders has the mistakes that people make.
package orders

import (
	"errors"
	"fmt"
	"sync"
)

// @moved

type Order struct{ Name string }

type Cart struct{ lines []Order }

type Receipt struct{ order *Order }

type Declined struct{ Code int }

func (d *Declined) Error() string { return fmt.Sprintf("card declined with code %d", d.Code) }

type carrier interface{ Book() string }

type Shipment struct{ by carrier }

func (s Shipment) Ship() string { return s.by.Book() }

type Express struct{ Shipment }

var ErrUnknown = errors.New("order is unknown")

func Customer(order *Order) string { return order.Name }

func Count(counts map[string]int, name string) { counts[name]++ }

func Total(order map[string]any) int { return order["total"].(int) }

func Find(number int) error { return fmt.Errorf("find %d: %w", number, ErrUnknown) }

func Load(number int) error {
	if err := Find(number); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func Refresh(names ...string) error {
	var found []error
	for _, name := range names {
		found = append(found, fmt.Errorf("stock of %s: %w", name, ErrUnknown))
	}
	return errors.Join(found...)
}

func (c *Cart) Checkout() string { return c.lines[0].Name }

func (r Receipt) Print() string { return r.order.Name }

func WithLock(work func()) {
	var mutex sync.Mutex
	defer func() {
		var order *Order
		order.Name = "tea"
		mutex.Unlock()
	}()
	work()
}

func Guarded(work func()) {
	defer func() {
		if found := recover(); found != nil {
			panic(fmt.Errorf("guarded: %v", found))
		}
	}()
	work()
}

func Publish(order int) {
	out := make(chan int)
	close(out)
	out <- order
}
