using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Tests.Vmm.Devices;
using ZeroOS.Tests.Vmm.Virtio;
using ZeroOS.Vmm.Devices.Block;
using ZeroOS.Vmm.Events;
using ZeroOS.Vmm.Virtio;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>A flist's disk of a few chunks, and a node that brings them, lies about them, forgets them and begins anew.</summary>
internal sealed class FlistTarget : FuzzTarget
{
    private const int Chunks = FlistDiskTests.Chunks;
    private readonly FileDescriptor _verified = File("verified", 1);
    private readonly SeqPacketSocket _node;
    private readonly BlockDevice _device;

    internal FlistTarget(EventLoop loop)
    {
        (_node, SeqPacketSocket monitor) = SeqPacketSocket.Pair();
        FileDescriptor index = FileDescriptor.Memory("index");
        index.WriteAt(FlistDiskTests.Index(), 0);
        _device = BlockDevice.Open(
            new VmDisk
            {
                Serial = "root",
                Kind = VmDiskKind.Flist,
                Descriptor = File("device", FlistDiskTests.Chunk * 8).TakeNumber(),
                IndexDescriptor = index.TakeNumber(),
                VerifiedDescriptor = _verified.Duplicate().TakeNumber(),
                ChunkDescriptor = monitor.Descriptor.TakeNumber(),
            }, 0, loop);
    }

    internal override VirtioDevice Device => _device;

    internal override long Work => Math.Min(_device.Counters.BytesRead / BlockRequest.SectorSize, _device.Counters.ChunksAsked);

    internal override void Ask(PlayedDriver driver, Random random) =>
        BlockTarget.AskDisk(driver, random, [0, 0, 0, 1, 4], Chunks * FlistDiskTests.Chunk / BlockRequest.SectorSize);

    internal override void Answer(Random random)
    {
        byte[] message = new byte[random.Next(20) == 0 ? random.Next(1, 20) : ChunkMessage.Size];
        random.NextBytes(message);
        if (message.Length == ChunkMessage.Size && random.Next(10) != 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)random.Next(Chunks + 2));
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), (uint)random.Next(4));
        }
        // A bit that is taken back must not happen; if it does, the guest reads what is in the file.
        _verified.WriteAt([(byte)random.Next(1 << Chunks)], 0);
        _ = _node.TrySend(message, wait: false);
        byte[] asked = new byte[64];
        while (_node.TryReceive(asked, out int length, out _, wait: false) == Errno.None && length > 0)
        {
        }
    }

    protected override void Close()
    {
        _device.Dispose();
        _node.Dispose();
        _verified.Dispose();
    }
}
