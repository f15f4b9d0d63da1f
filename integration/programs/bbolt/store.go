package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.etcd.io/bbolt"
)

// A store is a file of keys and values.
type store struct{ *bbolt.DB }

var bucket = []byte("store")

func (s store) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /{key}", s.put)
	mux.HandleFunc("GET /{key}", s.get)
	mux.HandleFunc("POST /swap", s.swap)
	mux.HandleFunc("GET /{$}", s.backup)
	return mux
}

func (s store) put(w http.ResponseWriter, r *http.Request) {
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = s.Batch(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(bucket)
			if err != nil {
				return err
			}
			return b.Put([]byte(r.PathValue("key")), value)
		})
	}
	answer(w, err)
}

func (s store) get(w http.ResponseWriter, r *http.Request) {
	value, err := s.value(r.PathValue("key"))
	if err != nil {
		answer(w, err)
		return
	}
	w.Write(value)
}

func (s store) value(key string) (value []byte, err error) {
	err = s.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucket); b != nil {
			value = bytes.Clone(b.Get([]byte(key))) // what Get returns is the map's, and gone with the transaction
		}
		return nil
	})
	if err == nil && value == nil {
		err = errKey
	}
	return value, err
}

var errKey = errors.New("no such key")

// swap exchanges the values of two keys, or does nothing.
func (s store) swap(w http.ResponseWriter, r *http.Request) {
	a, b := []byte(r.FormValue("a")), []byte(r.FormValue("b"))
	answer(w, s.Update(func(tx *bbolt.Tx) error {
		all := tx.Bucket(bucket)
		if all == nil {
			return errKey
		}
		first, second := bytes.Clone(all.Get(a)), bytes.Clone(all.Get(b))
		if first == nil || second == nil {
			return errKey
		}
		return errors.Join(all.Put(a, second), all.Put(b, first))
	}))
}

// backup sends the whole file, as it stands at one moment.
func (s store) backup(w http.ResponseWriter, _ *http.Request) {
	err := s.View(func(tx *bbolt.Tx) error {
		w.Header().Set("Content-Length", fmt.Sprint(tx.Size()))
		_, err := tx.WriteTo(w)
		return err
	})
	if err != nil {
		panic(http.ErrAbortHandler) // too late for a status
	}
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
	case errors.Is(err, errKey):
		http.Error(w, err.Error(), http.StatusNotFound)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
