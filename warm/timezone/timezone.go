// Package timezone loads the local time zone: see package warm.
package timezone

import (
	"fmt"
	"os"
	"time"
)

// Load has time.Local find out what it is, which it would do at the first local time that is asked for, in a log line
// for instance (time/zoneinfo_unix.go:initLocal).
//
// It is an error if the zone that TZ names, or /etc/localtime where TZ is not set, can't be loaded: package time takes
// UTC then, and doesn't say so. A machine without /etc/localtime is in UTC, and no error.
//
// time.LoadLocation reads its file at each call, and can't be prepared: call it before the lock and keep what it
// returns, or import time/tzdata.
func Load() error {
	if time.Local.String() != "UTC" { // asking for the name loads the zone
		return nil
	}
	tz, set := os.LookupEnv("TZ")
	switch {
	case set && (tz == "" || tz == ":" || tz == "UTC" || tz == ":UTC"):
		return nil
	case set:
		return fmt.Errorf("the time zone TZ=%s could not be loaded: local time is UTC", tz)
	}
	f, err := os.Open("/etc/localtime")
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return fmt.Errorf("the time zone could not be loaded, local time is UTC: %w", err)
	}
	f.Close()
	return fmt.Errorf("the time zone in /etc/localtime could not be loaded: local time is UTC")
}
