using System.Buffers.Binary;

using Xunit;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Flist;
using ZeroOS.Images.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

/// <summary>What a monitor that was taken over sends on its chunk socket, and what a disk makes of the hint.</summary>
[Collection(AloneCollection.Name)]
public sealed class ImageMessageFuzzTests
{
    /// <summary>An entry point for fuzzing: a hint says nothing, or is the one that was written.</summary>
    internal static void RunHint(int seed)
    {
        Random random = new(seed);
        byte[] bytes = new byte[random.Next(300)];
        random.NextBytes(bytes);
        Assert.False(PresentFile.Parse(bytes, Sha256Digest.Of([(byte)seed]), random.Next(1, 2000)).Bytes.ContainsAnyExcept((byte)0));
    }

    /// <summary>An entry point for fuzzing: one monitor's life, which never does anything to the store.</summary>
    internal static void RunSocket(int seed, IImage image, int chunks)
    {
        Random random = new(seed);
        (SeqPacketSocket node, SeqPacketSocket monitor) = SeqPacketSocket.Pair();
        using (monitor)
        {
            image.Serve(node);
            using FileDescriptor extra = FileDescriptor.Memory("extra");
            byte[] message = new byte[16];
            for (int i = random.Next(200); i > 0; i--)
            {
                int length = ChunkMessage.Size;
                BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)random.Next(chunks));
                BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), ChunkMessage.Need);
                switch (random.Next(60))
                {
                    case 0:
                        length = random.Next(1, 17);
                        break;
                    case 1:
                        random.NextBytes(message);
                        break;
                    case 2:
                        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)random.Next(-3, 3) + (uint)chunks);
                        break;
                }
                bool beside = random.Next(100) == 0;
                if (monitor.TrySend(message.AsSpan(0, length), beside ? [extra.Number] : [], wait: false) == Errno.EPIPE)
                    return;
                if (random.Next(10) == 0)
                    _ = monitor.TryReceive(message, out _, out _, wait: false);
            }
            if (random.Next(3) == 0)
                monitor.Shutdown();
        }
    }

    [Fact]
    public async Task Five_hundred_monitors_that_were_taken_over_cost_an_honest_one_nothing()
    {
        TestImage image = TestImage.Make(95, chunks: 300, chunkBytes: 4096);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url, ImageBench.Quick with { IdleIndexBytes = 0 });
        int files = OpenFiles();
        using (IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default))
        {
            for (int seed = 0; seed < 500; seed++)
                RunSocket(seed, prepared, 300);
            using TestMonitor honest = new(prepared);
            for (int chunk = 0; chunk < 300; chunk++)
                Assert.True(image.Plain(chunk).SequenceEqual(honest.Read(image, chunk)), $"chunk {chunk}");
        }
        await ImageBench.EventuallyAsync(() => bench.Store.OpenImages == 0, "every socket has ended, so the image is used no more");
        Assert.InRange(OpenFiles(), 0, files + 100);
    }

    [Fact]
    public void Five_thousand_hints_of_noise_say_that_nothing_is_there()
    {
        for (int seed = 0; seed < 5000; seed++)
            RunHint(seed);
    }

    private static int OpenFiles() => Directory.GetFiles("/proc/self/fd").Length;
}
