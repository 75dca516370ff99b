/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The data area: every extent is read, compressed once, and written, in the order of the plan; one
 * that the image before has is copied to where it stood. Threads work on extents; the blocks are
 * given out in the calling thread, strictly in order.
 *
 * A compressed extent stands at the end of its blocks, zeros before it (the format's zero padding,
 * which the decompressors of the kernel rely on). One that would not save a block is stored as it
 * is, zeros behind it.
 */
#include "format/erofs-write.h"
#include "base/parallel.h"

#include <inttypes.h>
#include <pthread.h>

struct slot {
        uint8_t *input, *output;
        const uint8_t *blocks; /* what is written: in one of the two */
};

struct data {
        struct ingot_erofs_plan *plan;
        const struct ingot_writer *writer;
        struct slot *slots;
        size_t slot_count;
        struct ingot_erofs_encoder **idle; /* encoders that no thread uses */
        size_t idle_count;
        pthread_mutex_t lock;
        uint64_t done;
};

static int borrow_encoder(struct data *d, struct ingot_erofs_encoder **ret, ingot_error *reterr)
{
        struct ingot_erofs_encoder *e = NULL;
        pthread_mutex_lock(&d->lock);
        if (d->idle_count > 0)
                e = d->idle[--d->idle_count];
        pthread_mutex_unlock(&d->lock);
        if (!e) {
                int r = ingot_erofs_encoder_new(&d->plan->options, &e, reterr);
                if (r < 0)
                        return r;
        }
        *ret = e;
        return 0;
}

static void return_encoder(struct data *d, struct ingot_erofs_encoder *e)
{
        pthread_mutex_lock(&d->lock);
        d->idle[d->idle_count++] = e;
        pthread_mutex_unlock(&d->lock);
}

/* The node that an extent belongs to. */
static struct ingot_erofs_node *node_of_extent(const struct ingot_erofs_plan *plan, size_t extent)
{
        size_t low = 0, high = plan->data_node_count;
        while (high - low > 1) {
                size_t middle = low + (high - low) / 2;
                if (plan->nodes[plan->data_nodes[middle]].first_extent <= extent)
                        low = middle;
                else
                        high = middle;
        }
        return plan->nodes + plan->data_nodes[low];
}

static int read_input(const struct ingot_erofs_plan *plan, const struct ingot_erofs_node *node,
                      const struct ingot_erofs_extent *e, uint8_t *ret, ingot_error *reterr)
{
        const uint8_t *end = ret + e->size;
        if (node->inode)
                return ingot_erofs_read_node(plan, node, e->at, ret, e->size, reterr);
        for (uint32_t i = e->first_piece; i != INGOT_EROFS_NONE_INDEX; i = plan->pieces[i].next) {
                const struct ingot_erofs_piece *piece = plan->pieces + i;
                const struct ingot_erofs_node *of = plan->nodes + piece->node;
                int r = ingot_erofs_read_node(plan, of, of->extents_size, ret, piece->size, reterr);
                if (r < 0)
                        return r;
                ret += piece->size;
        }
        memset(ret, 0, (size_t) (end - ret));
        return 0;
}

static int compress_extent(struct data *d, struct ingot_erofs_extent *e, struct slot *slot,
                           ingot_error *reterr)
{
        struct ingot_erofs_encoder *encoder;
        uint32_t blocks = (uint32_t) ingot_div_up(e->size, INGOT_EROFS_BLOCK);
        size_t size = 0, room = (size_t) (blocks - 1) * INGOT_EROFS_BLOCK;
        int r = 1;
        if (room > 0 && d->plan->options.compressor != INGOT_EROFS_NONE) {
                r = borrow_encoder(d, &encoder, reterr);
                if (r < 0)
                        return r;
                r = ingot_erofs_encode(encoder, slot->input, e->size,
                                       slot->output + INGOT_EROFS_BLOCK, room, &size, reterr);
                return_encoder(d, encoder);
                if (r < 0)
                        return r;
        }
        e->plain = r == 1;
        if (e->plain) {
                memset(slot->input + e->size, 0, (size_t) blocks * INGOT_EROFS_BLOCK - e->size);
                e->blocks = (uint16_t) blocks;
                slot->blocks = slot->input;
                return 0;
        }
        e->blocks = (uint16_t) ingot_div_up(size, INGOT_EROFS_BLOCK);
        size_t padding = (size_t) e->blocks * INGOT_EROFS_BLOCK - size;
        slot->blocks = memset(slot->output + INGOT_EROFS_BLOCK - padding, 0, padding);
        return 0;
}

static int work(void *context, size_t index, size_t slot_index, ingot_error *reterr)
{
        struct data *d = context;
        struct ingot_erofs_extent *e = d->plan->extents + index;
        struct slot *slot = d->slots + slot_index;
        if (e->kept) {
                slot->blocks = slot->output;
                return ingot_read_at(&d->plan->like->reader,
                                     (uint64_t) e->source * INGOT_EROFS_BLOCK, slot->output,
                                     (size_t) e->blocks * INGOT_EROFS_BLOCK, reterr);
        }
        int r = read_input(d->plan, node_of_extent(d->plan, index), e, slot->input, reterr);
        return r < 0 ? r : compress_extent(d, e, slot, reterr);
}

static int finish(void *context, size_t index, size_t slot_index, ingot_error *reterr)
{
        struct data *d = context;
        struct ingot_erofs_extent *e = d->plan->extents + index;
        struct ingot_erofs_node *node = node_of_extent(d->plan, index);
        int r = 0;
        if (e->kept && d->plan->in_place)
                e->address = e->source; /* reserved for it */
        else
                r = ingot_erofs_space_take(&d->plan->space, e->blocks, 0, &e->address, reterr);
        if (r >= 0)
                r = ingot_write_at(d->writer, (uint64_t) e->address * INGOT_EROFS_BLOCK,
                                   d->slots[slot_index].blocks,
                                   (size_t) e->blocks * INGOT_EROFS_BLOCK, reterr);
        if (r < 0)
                return r;
        if (index == node->first_extent)
                node->address = e->address;
        node->blocks += e->blocks;
        d->done += e->size;
        ingot_progress(d->plan->options.log, "Compressing files", d->done, d->plan->input_size);
        return 0;
}

static int make_slots(struct data *d, ingot_error *reterr)
{
        size_t extent = d->plan->options.extent;
        d->slots = calloc(d->slot_count, sizeof(*d->slots));
        d->idle = calloc(d->slot_count + 1, sizeof(struct ingot_erofs_encoder *));
        if (!d->slots || !d->idle)
                return ingot_fail_nomem(reterr);
        for (size_t i = 0; i < d->slot_count; i++) {
                d->slots[i].input = malloc(extent);
                d->slots[i].output = malloc(extent + INGOT_EROFS_BLOCK);
                if (!d->slots[i].input || !d->slots[i].output)
                        return ingot_fail_nomem(reterr);
        }
        return 0;
}

static void data_done(struct data *d)
{
        for (size_t i = 0; d->slots && i < d->slot_count; i++) {
                free(d->slots[i].input);
                free(d->slots[i].output);
        }
        while (d->idle_count > 0)
                ingot_erofs_encoder_free(d->idle[--d->idle_count]);
        free(d->slots);
        free(d->idle);
        pthread_mutex_destroy(&d->lock);
}

int ingot_erofs_write_data(struct ingot_erofs_plan *plan, const struct ingot_writer *writer,
                           ingot_error *reterr)
{
        _cleanup_(data_done) struct data d = {
                .plan = plan,
                .writer = writer,
                .lock = PTHREAD_MUTEX_INITIALIZER,
        };
        struct ingot_parallel p = {.threads = plan->options.threads,
                                   .count = plan->extent_count,
                                   .work = work,
                                   .finish = finish,
                                   .context = &d};
        p.window = 2 * (size_t) ingot_parallel_threads(p.threads) + 1;
        d.slot_count = p.window;
        int r = make_slots(&d, reterr);
        if (r >= 0 && p.count > 0)
                r = ingot_parallel_run(&p, reterr);
        if (!plan->in_place)
                plan->metadata_block = ingot_erofs_space_end(&plan->space);
        return r;
}
