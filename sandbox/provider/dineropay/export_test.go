package dineropay

// Sign lets the tests sign what they send.
var Sign = sign
