package calendar_test

import (
	"fmt"
	"time"

	"dinarfunctions/shared/calendar"
)

// Monthly from the 31st: a shorter month's last day, and back to the 31st.
func Example() {
	startsOn, err := calendar.ParseDate("2028-01-31")
	if err != nil {
		fmt.Println(err)
		return
	}
	chargeAt, err := calendar.ParseClock("09:00")
	if err != nil {
		fmt.Println(err)
		return
	}
	monthly := calendar.Calendar{
		Every:    calendar.Every{Count: 1, Unit: calendar.Month},
		StartsOn: startsOn,
		ChargeAt: chargeAt,
		TimeZone: "Asia/Baghdad",
	}
	for _, fault := range monthly.Check() {
		fmt.Println(fault.Field, fault.Message)
	}
	for index := range 4 {
		o := monthly.At(index)
		fmt.Println(o.Index, o.Date, o.At.Format(time.RFC3339))
	}
	next := monthly.NotBefore(time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println(next.Index, next.Date, next.At.Format(time.RFC3339))
	// Output:
	// 0 2028-01-31 2028-01-31T06:00:00Z
	// 1 2028-02-29 2028-02-29T06:00:00Z
	// 2 2028-03-31 2028-03-31T06:00:00Z
	// 3 2028-04-30 2028-04-30T06:00:00Z
	// 13 2029-02-28 2029-02-28T06:00:00Z
}
