/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Device strings of the configuration: "name,arguments", or the PCI address of a NIC.
 */

#include <stdbool.h>
#include <stdio.h>

/** True for "0000:03:00.0" and "03:00.0", arguments behind a comma or not. */
static inline bool stw_device_is_pci(const char *device)
{
	unsigned domain, bus, slot, function;
	int end = 0;

	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4 &&
	    sscanf(device, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3)
		return false;
	return end > 0 && (device[end] == '\0' || device[end] == ',');
}
