using System.Runtime.InteropServices;

namespace ZeroOS.Linux;

/// <summary>One finished operation: the token it was queued with, and bytes done or a negative errno.</summary>
public readonly record struct RingCompletion(ulong Token, int Result);

/// <summary>
/// An io_uring(7) for one file. Created disabled, given its file and its event, restricted to reading, writing, syncing and fallocating that registered file, and
/// only then enabled: nothing else can ever be done through it. One thread uses it.
/// </summary>
public sealed unsafe class IoRing : IDisposable
{
    private const nint SYS_io_uring_setup = 425, SYS_io_uring_enter = 426, SYS_io_uring_register = 427;
    private const uint IORING_SETUP_R_DISABLED = 0x40, IORING_FEAT_SINGLE_MMAP = 1;
    private const int IORING_REGISTER_FILES = 2, IORING_REGISTER_EVENTFD = 4, IORING_REGISTER_RESTRICTIONS = 11, IORING_REGISTER_ENABLE_RINGS = 12;
    private const byte IORING_OP_READV = 1, IORING_OP_WRITEV = 2, IORING_OP_FSYNC = 3, IORING_OP_FALLOCATE = 17, IOSQE_FIXED_FILE = 1;
    private const long IORING_OFF_SQES = 0x10000000;

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
        _entries = MemoryMapping.Shared(ring, layout.sq_entries * (long)sizeof(io_uring_sqe), IORING_OFF_SQES);
    }

    /// <summary>Signalled when operations are finished.</summary>
    public EventFd Completed { get; }

    /// <summary>Makes the ring, or returns null where the kernel has none or does not allow it: the caller then works synchronously.</summary>
    public static IoRing? TryCreate(FileDescriptor file, uint entries, out Errno errno)
    {
        io_uring_params layout = new() { flags = IORING_SETUP_R_DISABLED };
        nint fd = Libc.syscall(SYS_io_uring_setup, (nint)entries, (nint)(&layout), 0, 0, 0, 0);
        errno = fd < 0 ? Libc.LastError : Errno.None;
        if (fd < 0)
            return null;
        FileDescriptor ring = new((int)fd);
        EventFd completed = new();
        if ((layout.features & IORING_FEAT_SINGLE_MMAP) == 0)
            errno = Errno.EOPNOTSUPP;
        int number = file.Number, done = completed.Descriptor.Number;
        io_uring_restriction* allowed = stackalloc io_uring_restriction[6];
        allowed[0] = new() { opcode = 1, what = IORING_OP_READV };
        allowed[1] = new() { opcode = 1, what = IORING_OP_WRITEV };
        allowed[2] = new() { opcode = 1, what = IORING_OP_FSYNC };
        allowed[3] = new() { opcode = 1, what = IORING_OP_FALLOCATE };
        allowed[4] = new() { opcode = 2, what = IOSQE_FIXED_FILE };
        allowed[5] = new() { opcode = 3, what = IOSQE_FIXED_FILE };
        bool ready = errno == Errno.None
            && Register(ring, IORING_REGISTER_FILES, &number, 1, ref errno)
            && Register(ring, IORING_REGISTER_EVENTFD, &done, 1, ref errno)
            && Register(ring, IORING_REGISTER_RESTRICTIONS, allowed, 6, ref errno)
            && Register(ring, IORING_REGISTER_ENABLE_RINGS, null, 0, ref errno);
        if (ready)
            return new IoRing(ring, layout, completed);
        ring.Dispose();
        completed.Dispose();
        return null;
    }

    /// <summary>Queues a scattered read at <paramref name="offset"/>; false when the ring is full. Parts are copied by <see cref="Submit"/>, their memory is used until completion.</summary>
    public bool TryQueueRead(MemoryPart* parts, int count, long offset, ulong token) => TryQueue(IORING_OP_READV, (ulong)parts, (uint)count, offset, 0, token);

    /// <summary>Queues a scattered write, as <see cref="TryQueueRead"/>.</summary>
    public bool TryQueueWrite(MemoryPart* parts, int count, long offset, ulong token) => TryQueue(IORING_OP_WRITEV, (ulong)parts, (uint)count, offset, 0, token);

    /// <summary>Queues an fdatasync(2).</summary>
    public bool TryQueueSyncData(ulong token) => TryQueue(IORING_OP_FSYNC, 0, 0, 0, 1, token);

    /// <summary>Queues a fallocate(2).</summary>
    public bool TryQueueAllocate(int mode, long offset, long length, ulong token) => TryQueue(IORING_OP_FALLOCATE, (ulong)length, (uint)mode, offset, 0, token);

    /// <summary>Hands everything queued to the kernel.</summary>
    public Errno Submit()
    {
        while (_tail != _submitted)
        {
            nint n = Libc.syscall(SYS_io_uring_enter, _ring.Number, (nint)(_tail - _submitted), 0, 0, 0, 0);
            if (n < 0 && Libc.LastError is var e && e != Errno.EINTR)
                return e;
            if (n > 0)
                _submitted += (uint)n;
        }
        return Errno.None;
    }

    /// <summary>Waits until at least one operation is finished.</summary>
    public void WaitForOne()
    {
        const int IORING_ENTER_GETEVENTS = 1;
        _ = Libc.syscall(SYS_io_uring_enter, _ring.Number, 0, 1, IORING_ENTER_GETEVENTS, 0, 0);
    }

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

    private static bool Register(FileDescriptor ring, int what, void* argument, int count, ref Errno errno)
    {
        nint result = Libc.syscall(SYS_io_uring_register, ring.Number, what, (nint)argument, count, 0, 0);
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
            rw_flags = flags,
            user_data = token,
        };
        ((uint*)(p + _layout.sq_off.array))[slot] = slot;
        _tail++;
        // Pairs with the kernel's acquire of the tail: the entry is whole before it is seen.
        Volatile.Write(ref *(uint*)(p + _layout.sq_off.tail), _tail);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct io_uring_offsets
    {
        internal uint head, tail, ring_mask, ring_entries, flags_or_overflow, dropped_or_cqes, array_or_flags, resv1;
        internal ulong user_addr;

        internal readonly uint array => array_or_flags;

        internal readonly uint cqes => dropped_or_cqes;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct io_uring_params
    {
        internal uint sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd, resv0, resv1, resv2;
        internal io_uring_offsets sq_off, cq_off;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct io_uring_sqe
    {
        internal byte opcode, flags;
        internal ushort ioprio;
        internal int fd;
        internal ulong off, addr;
        internal uint len, rw_flags;
        internal ulong user_data, pad0, pad1, pad2;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct io_uring_cqe
    {
        internal ulong user_data;
        internal int res;
        internal uint flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct io_uring_restriction
    {
        internal ushort opcode;
        internal byte what, resv;
        internal uint resv0, resv1, resv2;
    }
}
