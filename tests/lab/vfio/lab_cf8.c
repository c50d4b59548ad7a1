// SPDX-License-Identifier: GPL-2.0-only
/*
 * lab_cf8 BDF OFFSET BYTES VALUE: write config space by the I/O ports 0xcf8 and 0xcfc, past the
 * kernel. On x86 only, and only the first 256 bytes of segment 0000. The status is 0 if it was
 * written; whether anything took it is not known.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <sys/io.h>

#define ADDRESS	0xcf8
#define DATA	0xcfc

static int config_write(unsigned int bus, unsigned int slot, unsigned int function,
			unsigned int offset, unsigned int bytes, unsigned int value)
{
	unsigned short port = DATA + offset % 4;

	if (iopl(3))
		return -errno;
	outl(0x80000000 | bus << 16 | slot << 11 | function << 8 | (offset & 0xfc), ADDRESS);
	switch (bytes) {
	case 1:
		outb(value, port);
		return 0;
	case 2:
		outw(value, port);
		return 0;
	case 4:
		outl(value, port);
		return 0;
	}

	return -EINVAL;
}
#else
static int config_write(unsigned int bus, unsigned int slot, unsigned int function,
			unsigned int offset, unsigned int bytes, unsigned int value)
{
	(void)bus, (void)slot, (void)function, (void)offset, (void)bytes, (void)value;

	return -EOPNOTSUPP;
}
#endif

int main(int argc, char **argv)
{
	unsigned int bus, slot, function;
	int err = -EINVAL;

	if (argc == 5 && sscanf(argv[1], "0000:%x:%x.%x", &bus, &slot, &function) == 3)
		err = config_write(bus, slot, function, strtoul(argv[2], NULL, 0),
				   strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
	if (err)
		fprintf(stderr, "lab_cf8: %s\n", strerror(-err));

	return err ? 1 : 0;
}
