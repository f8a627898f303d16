/* tests/fuzz/driver.c - runs a fuzz target over files, without a fuzzer.
 *
 * Every file goes in as it is and cut short at up to 64 places, so that the
 * inputs kept in the tree guard against old bugs in each `make check`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CUTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* In a block of its own size, so that a sanitizer sees reads past its end. */
static void run(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len); /* always 0 */
	free(copy);
}

static int run_file(const char *path)
{
	static uint8_t data[4 * 1024 * 1024];
	FILE *f = fopen(path, "rb");
	size_t len, i;

	if (!f) {
		perror(path);
		return 1;
	}
	len = fread(data, 1, sizeof(data), f);
	(void)fclose(f); /* only read */
	(void)printf("%s\n", path);
	(void)fflush(stdout); /* names the input when the target crashes */
	run(data, len);
	for (i = 0; i < CUTS && i < len; i++)
		run(data, len * i / (len < CUTS ? len : CUTS));
	return 0;
}

int main(int argc, char **argv)
{
	int i, bad = 0;

	for (i = 1; i < argc; i++)
		bad |= run_file(argv[i]);
	return bad;
}
