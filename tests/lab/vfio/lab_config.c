// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_config BDF OFFSET BYTES [VALUE]: one access of 1, 2 or 4 bytes to config space through
 * sysfs, which makes it one of exactly that size where it is aligned. A read prints the value in
 * hexadecimal, with all of its digits. The status is 0 if the kernel did it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long offset, bytes, value = 0;
	unsigned char byte[4];
	char path[128];
	int config;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: lab_config BDF OFFSET BYTES [VALUE]\n");
		return 2;
	}
	offset = strtoul(argv[2], NULL, 0);
	bytes = strtoul(argv[3], NULL, 0);
	if ((bytes != 1 && bytes != 2 && bytes != 4) || offset % bytes) {
		fprintf(stderr, "lab_config: %s bytes at %s: not one aligned access\n", argv[3],
			argv[2]);
		return 2;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", argv[1]);
	config = open(path, argc > 4 ? O_RDWR : O_RDONLY);
	if (config < 0) {
		perror(path);
		return 1;
	}
	if (argc > 4) {
		value = strtoul(argv[4], NULL, 0);
		for (unsigned int i = 0; i < bytes; i++)
			byte[i] = value >> 8 * i;
		return pwrite(config, byte, bytes, offset) != (ssize_t)bytes;
	}
	if (pread(config, byte, bytes, offset) != (ssize_t)bytes)
		return 1;
	for (unsigned int i = 0; i < bytes; i++)
		value |= (unsigned long)byte[i] << 8 * i;
	printf("0x%0*lx\n", (int)bytes * 2, value);

	return 0;
}
