package main

import (
	"go/build/constraint"

	"github.com/stagelock/seccomp/internal/kernel"
)

// simplify returns what is left of a build constraint for one GOARCH, empty where it holds for every other build; never
// tells that it holds for none.
func simplify(text, goarch string) (left string, never bool, err error) {
	if text == "" {
		return "", false, nil
	}
	x, err := constraint.Parse("//go:build " + text)
	if err != nil {
		return "", false, err
	}
	switch x := known(x, goarch).(type) {
	case truth:
		return "", !bool(x), nil
	default:
		return x.(constraint.Expr).String(), false, nil
	}
}

// truth is an expression of known value.
type truth bool

// known returns x, a truth or a constraint.Expr, with the tags that are GOARCHes known.
func known(x constraint.Expr, goarch string) any {
	switch x := x.(type) {
	case *constraint.TagExpr:
		if _, ok := kernel.ByName(x.Tag); ok {
			return truth(x.Tag == goarch)
		}
	case *constraint.NotExpr:
		switch y := known(x.X, goarch).(type) {
		case truth:
			return !y
		case constraint.Expr:
			return &constraint.NotExpr{X: y}
		}
	case *constraint.AndExpr:
		return join(known(x.X, goarch), known(x.Y, goarch), false, func(x, y constraint.Expr) constraint.Expr {
			return &constraint.AndExpr{X: x, Y: y}
		})
	case *constraint.OrExpr:
		return join(known(x.X, goarch), known(x.Y, goarch), true, func(x, y constraint.Expr) constraint.Expr {
			return &constraint.OrExpr{X: x, Y: y}
		})
	}
	return x
}

// join joins two parts of an && or ||, of which decisive alone decides the whole.
func join(x, y any, decisive truth, whole func(x, y constraint.Expr) constraint.Expr) any {
	switch {
	case x == decisive || y == decisive:
		return decisive
	case x == !decisive:
		return y
	case y == !decisive:
		return x
	}
	return whole(x.(constraint.Expr), y.(constraint.Expr))
}
