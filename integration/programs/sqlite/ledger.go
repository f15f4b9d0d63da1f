package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
)

// connections is how many the ledger keeps. SQLite has one writer at a time and any number of readers.
const connections = 4

// A ledger is accounts, and money that goes from one to another, never more and never less of it.
type ledger struct{ *sql.DB }

const schema = `
create table if not exists accounts (name text primary key, amount integer not null check (amount >= 0)) strict;
create table if not exists transfers (id integer primary key, source text, target text, amount integer) strict;
create index if not exists transfers_source on transfers (source);`

// openLedger opens the database, and all the connections that there will be: each opens files, which later is refused.
func openLedger(ctx context.Context, file string) (*ledger, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(10000)"+
		"&_pragma=journal_mode(wal)&_pragma=temp_store(memory)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // none is closed, so none has to be opened again
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	var held [connections]*sql.Conn
	for i := range held {
		if held[i], err = db.Conn(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
		var n int
		if err := held[i].QueryRowContext(ctx, "select count(*) from accounts").Scan(&n); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	for _, c := range held {
		c.Close()
	}
	return &ledger{db}, nil
}

func (l *ledger) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /deposit", l.deposit)
	mux.HandleFunc("POST /transfer", l.transfer)
	mux.HandleFunc("GET /balance", l.balance)
	mux.HandleFunc("GET /total", l.total)
	mux.HandleFunc("GET /largest", l.largest)
	return mux
}

var errMoney = errors.New("no such account, or not enough in it")

func (l *ledger) deposit(w http.ResponseWriter, r *http.Request) {
	_, err := l.ExecContext(r.Context(), `insert into accounts values (?, ?)
		on conflict do update set amount = amount + excluded.amount`, r.FormValue("to"), r.FormValue("amount"))
	answer(w, err)
}

func (l *ledger) transfer(w http.ResponseWriter, r *http.Request) {
	answer(w, l.move(r.Context(), r.FormValue("from"), r.FormValue("to"), r.FormValue("amount")))
}

func (l *ledger) move(ctx context.Context, from, to, amount string) error {
	tx, err := l.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	for _, half := range []struct{ account, sign string }{{from, "-"}, {to, "+"}} {
		result, err := tx.ExecContext(ctx, "update accounts set amount = amount "+half.sign+" ? where name = ? and amount "+
			half.sign+" ? >= 0", amount, half.account, amount)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errMoney, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "insert into transfers (source, target, amount) values (?, ?, ?)", from, to, amount); err != nil {
		return err
	}
	return tx.Commit()
}

func (l *ledger) balance(w http.ResponseWriter, r *http.Request) {
	l.number(w, r, "select amount from accounts where name = ?", r.FormValue("of"))
}

func (l *ledger) total(w http.ResponseWriter, r *http.Request) {
	l.number(w, r, "select coalesce(sum(amount), 0) from accounts")
}

// largest sorts what no index sorts, so that SQLite needs room for it.
func (l *ledger) largest(w http.ResponseWriter, r *http.Request) {
	l.number(w, r, `select coalesce(max(sum), 0) from
		(select target, sum(amount) as sum from transfers group by target order by amount desc, target)`)
}

func (l *ledger) number(w http.ResponseWriter, r *http.Request, query string, args ...any) {
	var n int64
	if err := l.QueryRowContext(r.Context(), query, args...).Scan(&n); err != nil {
		answer(w, err)
		return
	}
	fmt.Fprintln(w, n)
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
	case errors.Is(err, errMoney), errors.Is(err, sql.ErrNoRows):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
