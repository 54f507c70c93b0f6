/* Connections of the keeper: see peer.h. */
#include "base/base.h"

#include "store/peer.h"

#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define READ_SIZE 65536
#define KEEP_MAX (128u << 10) /* a larger buffer is given back once it is empty */

struct peer *
peer_new(int fd, uint64_t serial)
{
	struct peer *peer = bh_xcalloc(1, sizeof(*peer));

	peer->fd = fd;
	peer->serial = serial;
	bh_buf_init(&peer->in, WIRE_FRAME_MAX + 4 + READ_SIZE);
	bh_buf_init(&peer->out, 2 * (size_t)WIRE_FRAME_MAX);
	return peer;
}

void
peer_drop(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
}

void
peer_free(struct peer *peer)
{
	peer_drop(peer);
	bh_buf_release(&peer->in);
	bh_buf_release(&peer->out);
	watch_set_release(&peer->watches);
	free(peer);
}

static void
empty(struct bh_buf *buf)
{
	if (buf->cap > KEEP_MAX)
		bh_buf_release(buf);
	else
		bh_buf_reset(buf);
}

/* The length announced by the message at the front; 0 while it is not known. */
static size_t
announced(const struct peer *peer)
{
	return peer->in.len >= 4 ? 4 + (size_t)bh_get_be32((const unsigned char *)peer->in.data)
				 : 0;
}

int
peer_read(struct peer *peer)
{
	char *room;
	ssize_t n;

	/* More than one message ahead is not taken: the socket holds it back. */
	if (announced(peer) != 0 && peer->in.len >= announced(peer))
		return 0;
	room = bh_buf_room(&peer->in, READ_SIZE);
	if (room == NULL)
		return -1;
	n = recv(peer->fd, room, READ_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	peer->in.len += (size_t)n;
	if (peer->since_ms == 0)
		peer->since_ms = bh_mono_ms();
	return 0;
}

int
peer_payload(const struct peer *peer, struct wire_slice *payload_r)
{
	size_t len = announced(peer);

	if (len > WIRE_FRAME_MAX + 4)
		return -1;
	if (len == 0 || peer->in.len < len)
		return 0;
	*payload_r = (struct wire_slice){peer->in.data + 4, len - 4};
	return 1;
}

void
peer_took(struct peer *peer, const struct wire_slice *payload)
{
	if (payload->len + 4 >= peer->in.len)
		empty(&peer->in);
	else
		bh_buf_shift(&peer->in, payload->len + 4);
	peer->since_ms = 0;
}

size_t
peer_answer(struct peer *peer)
{
	size_t at = peer->out.len;

	wire_add_u32(&peer->out, 0);
	return at;
}

void
peer_finish(struct peer *peer, size_t at)
{
	bh_put_be32((unsigned char *)peer->out.data + at, (uint32_t)(peer->out.len - at - 4));
}

int
peer_send(struct peer *peer)
{
	while (peer->out_at < peer->out.len) {
		ssize_t n = send(peer->fd, peer->out.data + peer->out_at,
		    peer->out.len - peer->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (peer->since_ms == 0)
				peer->since_ms = bh_mono_ms();
			return 0;
		}
		if (n < 0)
			return -1;
		peer->out_at += (size_t)n;
		peer->since_ms = 0; /* it takes something: it lives */
	}
	empty(&peer->out);
	peer->out_at = 0;
	peer->since_ms = 0;
	return peer->is_closing ? -1 : 1;
}

bool
is_peer_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}
