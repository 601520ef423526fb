// Package prices has the mistakes that people make.
package prices

import (
	"fmt"
	"sort"

	"github.com/pkg/errors"
)

// @moved

type Offer struct{ Cents int }

func At(prices []int, place int) int { return prices[place] }

func First(name string, letters int) string { return name[:letters] }

func Share(sum, people int) int { return sum / people }

func Sorted(offers []*Offer) []*Offer {
	sort.Slice(offers, func(a, b int) bool { return offers[a].Cents < offers[b].Cents })
	return offers
}

func Rounder(digits any) func(float64) string {
	return func(value float64) string { return fmt.Sprintf("%.*f", digits.(int), value) }
}

func Reduce[T any](values []T, join func(a, b T) T) T {
	total := values[0]
	for _, value := range values[1:] {
		total = join(total, value)
	}
	return total
}

func Parsed(text string) error { return errors.Errorf("price %q cannot be read", text) }

func Deep(depth int) int {
	if depth == 0 {
		panic("discounts of discounts of discounts")
	}
	return Deep(depth-1) + 1
}
