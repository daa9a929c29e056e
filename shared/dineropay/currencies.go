package dineropay

import (
	"slices"
	"strings"
)

// decimalsOf returns how many decimals an amount in a currency has on the wire,
// and whether there is such a currency.
//
// It is the provider's fact, not ISO 4217's: UGX, JPY, KRW and CLP have none
// there, and two here ("100.00"). IQD and LYD have three by ISO 4217, and the
// provider does not say otherwise. (CLDR's customary decimals, which currency
// libraries follow, say 0 for IQD.) An amount with the wrong decimals has the
// wrong signature, so a code that is not in the list is refused.
func decimalsOf(currency string) (int, bool) {
	for _, group := range currencies {
		if slices.Contains(strings.Fields(group.codes), currency) {
			return group.decimals, true
		}
	}
	return 0, false
}

// wholeOnly reports whether only whole amounts of a currency exist although the wire
// has two decimals: there is no half yen to charge. IQD and LYD are not among them.
func wholeOnly(currency string) bool {
	return slices.Contains([]string{"CLP", "JPY", "KRW", "UGX"}, currency)
}

// currencies are the active codes of ISO 4217 (list one of 2026, funds and metals left out).
var currencies = []struct {
	decimals int
	codes    string
}{
	{3, "BHD IQD JOD KWD LYD OMR TND"},
	{0, "BIF DJF GNF ISK KMF PYG RWF VND VUV XAF XOF XPF"},
	{2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL " +
		"GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD JPY KES KGS KHR KPW KRW KYD " +
		"KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD " +
		"NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD " +
		"SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU " +
		"UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"},
}
