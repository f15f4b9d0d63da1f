// Package fallbacks shows that Go and the C library survive what runtimeset/fallbacks.policy has them refused: each call
// there is refused, the function of the standard library that makes it is run, and does its work in another way, or
// returns an error, and never dies. Where another errno would break the function, that is shown too: it is why the call
// is listed.
package fallbacks
