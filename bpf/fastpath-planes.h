/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Where a datagram goes next and what its header says then: the rules of the userspace data plane (planes.ts), on the links
 * that live at this very moment. Whatever the relays believe of the topology, no datagram runs in a circle: its plane only
 * rises, and within a plane the remaining distance falls at every hop.
 */
#ifndef X0T_FASTPATH_PLANES_H
#define X0T_FASTPATH_PLANES_H

/* For any distance: that of what starts here. No number of links equals it. */
#define ANY_DISTANCE 0xffffffffU

struct hop {
	__u32 slot;
	__u32 plane;
	__u32 remaining; /* us on the planes shortest and repair, links on the trees */
	bool is_silent;  /* the link does not answer, but there is no other: better tried than dropped */
};

enum refusal {
	HOP_FOUND,
	HOP_DOWN,
	HOP_LOOP,
};

static __always_inline __u32 newest_slot(__u32 neighbour)
{
	struct fastpath_neighbour *entry = bpf_map_lookup_elem(&fastpath_neighbours, &neighbour);

	return entry && entry->label ? entry->slots[0] : FASTPATH_NONE;
}

static __noinline bool is_alive(__u32 slot, __u64 now)
{
	struct fastpath_link *link = find_link(slot);

	return link && link->flags & LINK_USER_ALIVE && !is_down(slot, link, now);
}

/* Alive, and learnt where it is reached: else only the daemon can send there. */
static __noinline bool is_reachable(__u32 slot, __u64 now)
{
	struct fastpath_link *link = find_link(slot);

	return link && link->ifindex && is_alive(slot, now);
}

/*
 * The living link of a neighbour, the newest first; FASTPATH_NONE if there is none. While keys are renewed the older one
 * serves until the kernel can send on the newer: a daemon that has just started may not be able to forward for it.
 */
static __noinline __u32 living_slot(__u32 neighbour, __u64 now)
{
	struct fastpath_neighbour *entry = bpf_map_lookup_elem(&fastpath_neighbours, &neighbour);

	if (!entry || !entry->label)
		return FASTPATH_NONE;
	if (is_reachable(entry->slots[0], now))
		return entry->slots[0];
	if (is_reachable(entry->slots[1], now))
		return entry->slots[1];
	if (is_alive(entry->slots[0], now))
		return entry->slots[0];
	if (is_alive(entry->slots[1], now))
		return entry->slots[1];
	return FASTPATH_NONE;
}

static __always_inline bool take_hop(struct hop *hop, __u32 slot, __u32 plane, __u32 remaining, bool is_silent)
{
	hop->slot = slot;
	hop->plane = plane;
	hop->remaining = remaining;
	hop->is_silent = is_silent;
	return true;
}

static __noinline bool enter_tree(struct hop *hop, const struct fastpath_tree *tree, __u32 plane, __u32 remaining, __u64 now)
{
	__u32 slot;

	if (tree->neighbour == FASTPATH_NONE || tree->hops >= remaining)
		return false;
	slot = living_slot(tree->neighbour, now);
	if (slot == FASTPATH_NONE)
		return false;
	return take_hop(hop, slot, plane, tree->hops, false);
}

static __noinline bool on_tree(struct hop *hop, const struct fastpath_route *route, __u32 plane, __u32 remaining, __u64 now)
{
	const struct fastpath_tree *tree = plane == PLANE_RED ? &route->red : &route->blue;
	const struct fastpath_tree *former = plane == PLANE_RED ? &route->former_red : &route->former_blue;
	const struct fastpath_tree *swap;
	bool fits, former_fits;

	if (!route->has_former)
		return enter_tree(hop, tree, plane, remaining, now);
	/* Who sent this may not have changed to the new trees yet, or have changed already: its distance tells. */
	fits = tree->neighbour != FASTPATH_NONE && tree->hops == remaining - 1;
	former_fits = former->neighbour != FASTPATH_NONE && former->hops == remaining - 1;
	/* What starts here takes the new one. */
	if (fits == former_fits ? route->former_is_held && remaining != ANY_DISTANCE : former_fits) {
		swap = tree;
		tree = former;
		former = swap;
	}
	return enter_tree(hop, tree, plane, remaining, now) || enter_tree(hop, former, plane, remaining, now);
}

static __always_inline __u32 tree_links(const struct fastpath_tree *tree)
{
	return tree->neighbour == FASTPATH_NONE ? ANY_DISTANCE : tree->hops;
}

/* On the planes shortest and repair. */
static __always_inline enum refusal next_on_shortest(struct hop *hop, const struct fastpath_route *route, __u32 plane,
						     __u32 remaining, __u32 from, __u64 now)
{
	__u32 slot = living_slot(route->next_hop, now);
	bool is_living = slot != FASTPATH_NONE;
	__u32 other, distance, shorter;

	if (is_living && route->next_hop != from && route->feasible_us < remaining) {
		take_hop(hop, slot, plane, route->feasible_us, false);
		return HOP_FOUND;
	}
	if (route->alternate != FASTPATH_NONE && route->alternate_plane > plane &&
	    /* Only a tree may lead back to where the datagram came from. */
	    (route->alternate_plane != PLANE_REPAIR || route->alternate != from)) {
		other = living_slot(route->alternate, now);
		if (other != FASTPATH_NONE) {
			distance = route->alternate_remaining;
			/* A next hop that lives would be taken again if the datagram came back on this plane. */
			if (route->alternate_plane == PLANE_REPAIR && is_living && route->feasible_us < distance)
				distance = route->feasible_us;
			take_hop(hop, other, route->alternate_plane, distance, false);
			return HOP_FOUND;
		}
	}
	/* Both trees are as good against what failed here: the shorter. */
	shorter = tree_links(&route->blue) < tree_links(&route->red) ? PLANE_BLUE : PLANE_RED;
	if (on_tree(hop, route, shorter, ANY_DISTANCE, now) ||
	    on_tree(hop, route, PLANE_RED + PLANE_BLUE - shorter, ANY_DISTANCE, now))
		return HOP_FOUND;
	if (is_living)
		return HOP_LOOP;
	/* The last way out is a link that fell silent: it may live all the same. */
	slot = newest_slot(route->next_hop);
	if (route->feasible_us >= remaining || route->next_hop == from || slot == FASTPATH_NONE)
		return HOP_DOWN;
	take_hop(hop, slot, plane, route->feasible_us, true);
	return HOP_FOUND;
}

static __always_inline enum refusal next_on_tree(struct hop *hop, const struct fastpath_route *route, __u32 plane,
						 __u32 remaining, __u64 now)
{
	const struct fastpath_tree *tree = plane == PLANE_RED ? &route->red : &route->blue;
	__u32 slot;

	if (on_tree(hop, route, plane, remaining, now))
		return HOP_FOUND;
	if (tree->neighbour == FASTPATH_NONE)
		return HOP_DOWN;
	if (tree->hops >= remaining)
		return HOP_LOOP;
	/* What is dropped here is lost for certain: a silent link is tried. */
	slot = newest_slot(tree->neighbour);
	if (slot == FASTPATH_NONE)
		return HOP_DOWN;
	take_hop(hop, slot, plane, tree->hops, true);
	return HOP_FOUND;
}

/* The next hop of a datagram that came from the neighbour `from`. */
static __noinline int next_hop(struct hop *hop, const struct fastpath_route *route, __u32 plane_word, __u32 from, __u64 now)
{
	__u32 plane = plane_word >> 30;
	__u32 remaining = plane_word & MAX_REMAINING;

	if (plane >= PLANE_RED)
		return next_on_tree(hop, route, plane, remaining, now);
	return next_on_shortest(hop, route, plane, remaining, from, now);
}

#endif
