namespace ZeroOS.Linux;

/// <summary>One finished operation: the token it was queued with, and bytes done or a negative errno.</summary>
public readonly record struct RingCompletion(ulong Token, int Result);

/// <summary>
/// An io_uring(7) for one file. Created disabled, given its file and its event, restricted to reading, writing, syncing and fallocating that registered file,
/// and only then enabled: nothing else can ever be done through it. One thread uses it.
/// </summary>
public sealed unsafe class IoRing : IDisposable
{

    private readonly FileDescriptor _ring;
    private readonly MemoryMapping _rings;
    private readonly MemoryMapping _entries;
    private readonly io_uring_params _layout;
    private uint _tail;
    private uint _submitted;

    private IoRing(FileDescriptor ring, in io_uring_params layout, EventFd completed)
    {
        _ring = ring;
        _layout = layout;
        Completed = completed;
        long size = Math.Max(layout.sq_off.array + (layout.sq_entries * sizeof(uint)), layout.cq_off.cqes + (layout.cq_entries * (long)sizeof(io_uring_cqe)));
        _rings = MemoryMapping.Shared(ring, size);
        _entries = MemoryMapping.Shared(ring, layout.sq_entries * (long)sizeof(io_uring_sqe), (long)IORING_OFF_SQES);
    }

    /// <summary>Signalled when operations are finished.</summary>
    public EventFd Completed { get; }

    /// <summary>Makes the ring, or returns null where the kernel has none or does not allow it: the caller then works synchronously.</summary>
    public static IoRing? TryCreate(FileDescriptor file, uint entries, out Errno errno)
    {
        io_uring_params layout = new() { flags = Libc.IORING_SETUP_R_DISABLED };
        int fd = io_uring_setup(entries, &layout);
        errno = fd < 0 ? Libc.LastError : Errno.None;
        if (fd < 0)
            return null;
        FileDescriptor ring = new(fd);
        EventFd completed = new();
        if ((layout.features & IORING_FEAT_SINGLE_MMAP) == 0)
            errno = Errno.EOPNOTSUPP;
        int number = file.Number, done = completed.Descriptor.Number;
        io_uring_restriction* allowed = stackalloc io_uring_restriction[6];
        allowed[0] = new() { opcode = Libc.IORING_RESTRICTION_SQE_OP, what = IORING_OP_READV };
        allowed[1] = new() { opcode = Libc.IORING_RESTRICTION_SQE_OP, what = IORING_OP_WRITEV };
        allowed[2] = new() { opcode = Libc.IORING_RESTRICTION_SQE_OP, what = IORING_OP_FSYNC };
        allowed[3] = new() { opcode = Libc.IORING_RESTRICTION_SQE_OP, what = IORING_OP_FALLOCATE };
        allowed[4] = new() { opcode = Libc.IORING_RESTRICTION_SQE_FLAGS_ALLOWED, what = IOSQE_FIXED_FILE };
        allowed[5] = new() { opcode = Libc.IORING_RESTRICTION_SQE_FLAGS_REQUIRED, what = IOSQE_FIXED_FILE };
        bool ready = errno == Errno.None
            && Register(ring, IORING_REGISTER_FILES, &number, 1, ref errno)
            && Register(ring, IORING_REGISTER_EVENTFD, &done, 1, ref errno)
            && Register(ring, Libc.IORING_REGISTER_RESTRICTIONS, allowed, 6, ref errno)
            && Register(ring, Libc.IORING_REGISTER_ENABLE_RINGS, null, 0, ref errno);
        if (ready)
            return new IoRing(ring, layout, completed);
        ring.Dispose();
        completed.Dispose();
        return null;
    }

    /// <summary>
    /// Queues a scattered read at <paramref name="offset"/>; false when the ring is full. Parts are copied by <see cref="Submit"/>, their memory is used until
    /// completion.
    /// </summary>
    public bool TryQueueRead(MemoryPart* parts, int count, long offset, ulong token) => TryQueue(IORING_OP_READV, (ulong)parts, (uint)count, offset, 0, token);

    /// <summary>Queues a scattered write, as <see cref="TryQueueRead"/>.</summary>
    public bool TryQueueWrite(MemoryPart* parts, int count, long offset, ulong token) =>
        TryQueue(IORING_OP_WRITEV, (ulong)parts, (uint)count, offset, 0, token);

    /// <summary>Queues an fdatasync(2).</summary>
    public bool TryQueueSyncData(ulong token) => TryQueue(IORING_OP_FSYNC, 0, 0, 0, IORING_FSYNC_DATASYNC, token);

    /// <summary>Queues a fallocate(2).</summary>
    public bool TryQueueAllocate(int mode, long offset, long length, ulong token) => TryQueue(IORING_OP_FALLOCATE, (ulong)length, (uint)mode, offset, 0, token);

    /// <summary>Hands everything queued to the kernel.</summary>
    public Errno Submit()
    {
        while (_tail != _submitted)
        {
            int n = io_uring_enter(_ring.Number, _tail - _submitted, 0, 0, null);
            if (n < 0 && Libc.LastError is var e && e != Errno.EINTR)
                return e;
            if (n > 0)
                _submitted += (uint)n;
        }
        return Errno.None;
    }

    /// <summary>Waits until at least one operation is finished.</summary>
    public void WaitForOne() => _ = io_uring_enter(_ring.Number, 0, 1, IORING_ENTER_GETEVENTS, null);

    /// <summary>Takes the next finished operation, if there is one.</summary>
    public bool TryTake(out RingCompletion completion)
    {
        // SAFETY: the offsets were given by the kernel for this mapping, whose size was computed from them; the index is masked.
        byte* p = _rings.Pointer;
        uint* head = (uint*)(p + _layout.cq_off.head);
        uint at = *head;
        completion = default;
        if (at == Volatile.Read(ref *(uint*)(p + _layout.cq_off.tail)))
            return false;
        io_uring_cqe* cqe = (io_uring_cqe*)(p + _layout.cq_off.cqes) + (at & *(uint*)(p + _layout.cq_off.ring_mask));
        completion = new RingCompletion(cqe->user_data, cqe->res);
        // Pairs with the kernel's acquire of the head: the entry was read before it is given back.
        Volatile.Write(ref *head, at + 1);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _entries.Dispose();
        _rings.Dispose();
        _ring.Dispose();
        Completed.Dispose();
    }

    private static bool Register(FileDescriptor ring, uint what, void* argument, uint count, ref Errno errno)
    {
        int result = io_uring_register(ring.Number, what, argument, count);
        errno = result < 0 ? Libc.LastError : Errno.None;
        return result >= 0;
    }

    private bool TryQueue(byte opcode, ulong address, uint length, long offset, uint flags, ulong token)
    {
        // SAFETY: as in TryTake; the slot is masked, and free because the kernel's head has passed it.
        byte* p = _rings.Pointer;
        if (_tail - Volatile.Read(ref *(uint*)(p + _layout.sq_off.head)) >= _layout.sq_entries)
            return false;
        uint slot = _tail & *(uint*)(p + _layout.sq_off.ring_mask);
        ((io_uring_sqe*)_entries.Pointer)[slot] = new io_uring_sqe
        {
            opcode = opcode,
            flags = IOSQE_FIXED_FILE,
            fd = 0,
            off = (ulong)offset,
            addr = address,
            len = length,
            fsync_flags = flags,
            user_data = token,
        };
        ((uint*)(p + _layout.sq_off.array))[slot] = slot;
        _tail++;
        // Pairs with the kernel's acquire of the tail: the entry is whole before it is seen.
        Volatile.Write(ref *(uint*)(p + _layout.sq_off.tail), _tail);
        return true;
    }
}
