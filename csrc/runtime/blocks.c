/* Which block sizes the kernels use: chosen once, when the module is loaded, for each instruction set by the caches that there
 * are, unless somebody wants others. They stay for as long as the process lives: packed weights lie in blocks of kc, and the
 * order of some sums is that of blocks.
 *
 * The sizes behind fk_min were measured on machines with an L1 of 48 KB and an L2 of 1 or 2 MB; smaller caches get what fills as
 * large a part of them, larger ones the same (`python -m bench tune` tells whether other sizes are faster). */
#include "runtime.h"

#define BLOCK(name, lowest, highest, multiple, meaning) {#name, meaning, lowest, highest, multiple},
static const fk_block_info infos[] = {
#include "../blocks.def"
};
#undef BLOCK
enum { COUNT = sizeof infos / sizeof *infos };
_Static_assert(sizeof(fk_blocks) == COUNT * sizeof(int64_t), "the sizes of a set are a list");

int fk_block_count(void) { return COUNT; }
const fk_block_info *fk_block(int i) { return &infos[i]; }

static int64_t *sizes(fk_blocks *b) { return (int64_t *)b; }
int64_t fk_block_size(int i) { return sizes(fk_isa_current()->blocks)[i]; }

static int64_t down(int64_t n, int64_t multiple) { return n / multiple * multiple; }

/* the widest cell of conv_dw whose two packed sides and sums take 7/8 of L2; it is nearly square */
static void choose_dw(fk_blocks *b, int64_t l2) {
    enum { SPACE = 16 }; /* between packed rows */
    b->dw_steps = fk_min(256, b->kc);
    b->dw_columns = 256 + 32;
    do {
        b->dw_columns -= 32;
        b->dw_rows = down(b->dw_columns * 9 / 8, 48);
    } while (b->dw_columns > 64 &&
             4 * ((b->dw_rows + SPACE + b->dw_columns) * b->dw_steps + b->dw_rows * b->dw_columns) > l2 / 8 * 7);
}

/* rows × columns: of the largest micro-kernel */
static fk_blocks chosen(int64_t rows, int64_t columns, int64_t l1, int64_t l2) {
    enum { SPACE = 16, POSITIONS = 36 }; /* of the Winograd domain */
    fk_blocks b;
    /* In L1 a step of k has a strip of A, the strip that is fetched, and a panel of B. One of 32 columns would leave nothing of L1
     * to others: it passes through from L2. */
    b.kc = down(fk_min(384, l1 / 4 / (2 * rows + (columns > 16 ? 0 : columns))), 16);
    b.kc = fk_max(b.kc, 64);
    b.mc = fk_min(96, l2 / 8 * 3 / 4 / (b.kc + SPACE));
    b.nc = 1024; /* a block of k of them is 1.5 MB: of L3, or of an L2 that has it */
    b.far_rows = 384; /* how often such a B is read: what is in the caches then, no size of them tells */
    /* measured as it is on 1 MB too, where wide ones come from L3; a smaller L2 has to hold them, or panels run outermost */
    b.near_numbers = l2 < 1 << 20 ? l2 / 4 * 3 / 4 : 384 * 1024;
    b.near_columns = fk_min(512, l2 / 4 * 3 / 4 / b.kc);
    b.stored_columns = fk_min(256, l2 / 8 * 3 / 4 / b.kc);
    b.stored_cell = fk_min(256, (int64_t)sqrt((double)(l2 / 4 / 4)));
    choose_dw(&b, l2);
    /* filters of a panel, transformed, take 9/16 of L2 at most; the tiles that they meet pass by */
    b.wino_channels = fk_min(128, l2 / 16 * 9 / 4 / POSITIONS / columns);
    b.wino_tiles = 64;
    b.wino_tiles_kb = 4096;
    b.wino_filters = fk_min(4096, l2 / 16 * 9 / 4 / POSITIONS);
    b.wino_stay_kb = fk_min(1000, l2 / 1024 * 125 / 128);
    b.wino_fetch_kb = fk_min(512, l2 / 1024 / 2);
    b.wino_dw_channels = 128; /* sums are in L2 or L3, and read once for so many tiles that it takes no time */
    b.wino_dw_tiles = 36;
    b.few_pixels = fk_min(96, l1 / 512);
    b.depthwise_numbers = fk_min(1 << 15, l2 / 4 / 4);
    b.depthwise_near = fk_min(10752, l1 / 8 * 7 / 4);
    b.between_numbers = fk_min(1 << 17, l2 / 2 / 4);
    /* What is as large leaves the shared cache, of which others have a part, before all of it is read; where it does not, that the
     * lines need not be read before they are written saves as much again. */
    b.past_kb = 24576; /* as much as the arena of a part of a batch, which is to stay in L3: compiler/rows.py */
    b.attention_steps = 128;
    b.attention_sources = fk_min(256, l2 / 4 / 4 / b.attention_steps); /* scores of a block take a quarter of L2 */
    b.attention_dx_sources = fk_min(128, b.attention_sources);
    for (int i = 0; i < COUNT; i++)
        sizes(&b)[i] = fk_max(infos[i].lowest, fk_min(infos[i].highest, down(sizes(&b)[i], infos[i].multiple)));
    return b;
}

void fk_blocks_choose(fk_blocks *b, int rows, int columns, int64_t l1, int64_t l2) {
    *b = chosen(rows, columns, l1 > 0 ? l1 : 48 << 10, l2 > 0 ? l2 : 1 << 20);
}

int fk_block_set(int i, int64_t size) {
    if (i < 0 || i >= COUNT || size < infos[i].lowest || size > infos[i].highest || size % infos[i].multiple) return -1;
    for (int isa = 0; isa < FK_NISA; isa++)
        if (fk_isa_table_of(isa)) sizes(fk_isa_table_of(isa)->blocks)[i] = size;
    return 0;
}
