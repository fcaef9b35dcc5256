/* SPDX-License-Identifier: BSD-3-Clause
 * Time: the time stamp counter, measured against the interval timer; the date from the battery
 * clock. */
#include "kvm.h"
#include <core/plat.h>

enum { PIT_CHANNEL2 = 0x42, PIT_COMMAND = 0x43, PIT_GATE = 0x61, PIT_HZ = 1193182 };
enum { RTC_INDEX = 0x70, RTC_DATA = 0x71, MEASURE_TICKS = PIT_HZ / 200 };

static uint64_t tsc_start, tsc_hz = 1000000000, wall_start;

/* Ticks of the counter while the interval timer counts 5 ms down. */
static uint64_t measure(void)
{
    out8(PIT_GATE, (uint8_t)((in8(PIT_GATE) & ~2) | 1));
    out8(PIT_COMMAND, 0xb0); /* channel 2, both bytes, one shot */
    out8(PIT_CHANNEL2, MEASURE_TICKS & 0xff);
    out8(PIT_CHANNEL2, MEASURE_TICKS >> 8);
    uint64_t from = read_tsc();
    while (!(in8(PIT_GATE) & 0x20))
        __asm__ volatile("pause");
    return read_tsc() - from;
}

static unsigned rtc(unsigned index)
{
    out8(RTC_INDEX, (uint8_t)index);
    return in8(RTC_DATA);
}

static unsigned rtc_value(unsigned index)
{
    unsigned raw = rtc(index);
    return rtc(11) & 4 ? raw : (raw & 15) + (raw >> 4) * 10; /* binary, or decimal digits */
}

/* Days since 1970 of a date of this century. */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
    static const unsigned short before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t leaps = (year - 1969) / 4 + (year % 4 == 0 && month > 2);
    return (uint64_t)(year - 1970) * 365 + leaps + before[month - 1] + day - 1;
}

void kvm_clock_init(void)
{
    tsc_hz = measure() * 200;
    tsc_start = read_tsc();
    while (rtc(10) & 0x80)
        __asm__ volatile("pause");
    unsigned month = rtc_value(8);
    if (month < 1 || month > 12)
        return;
    wall_start = days(2000 + rtc_value(9), month, rtc_value(7)) * 86400 + rtc_value(4) * 3600 +
                 rtc_value(2) * 60 + rtc_value(0);
}

uint64_t plat_monotonic_ns(void)
{
    return (uint64_t)((unsigned __int128)(read_tsc() - tsc_start) * 1000000000u / tsc_hz);
}

uint64_t plat_wall_ns(void)
{
    return wall_start * 1000000000u + plat_monotonic_ns();
}

void plat_sleep_ns(uint64_t ns)
{
    uint64_t until = plat_monotonic_ns() + ns;
    while (plat_monotonic_ns() < until)
        __asm__ volatile("pause");
}
