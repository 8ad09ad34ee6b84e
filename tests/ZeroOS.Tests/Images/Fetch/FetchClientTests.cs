using System.Buffers.Binary;

using Xunit;

using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Images.Fetch;

public sealed class FetchClientTests
{
    private static readonly byte[] s_blob = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 31 >> 3))];
    private static readonly Sha256Digest s_digest = Sha256Digest.Of(s_blob);

    [Fact]
    public async Task Ranges_come_back_in_parallel_and_whole()
    {
        using StandInServer server = Serving();
        using FetchClient fetch = new(new InProcessFetch().Start, LineLog.Quiet);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            byte[] part = new byte[100_000 + i];
            await fetch.ReadBlobAsync(Source(server), s_digest, i * 100_000, part, default);
            Assert.True(part.AsSpan().SequenceEqual(s_blob.AsSpan(i * 100_000, part.Length)));
        }));
    }

    [Fact]
    public async Task Chunk_is_decompressed_and_a_wrong_size_is_refused()
    {
        using ZstdCompressor compressor = new(3);
        byte[] stored = new byte[ZstdLibrary.CompressBound(1 << 20)], plain = new byte[1 << 20];
        stored = stored[..compressor.Compress(s_blob.AsSpan(0, 1 << 20), stored)];
        using FetchClient fetch = new(new InProcessFetch().Start, LineLog.Quiet);
        Assert.True(await fetch.TryDecompressAsync("tenant", stored, plain, default));
        Assert.True(plain.AsSpan().SequenceEqual(s_blob.AsSpan(0, 1 << 20)));
        Assert.False(await fetch.TryDecompressAsync("tenant", stored, plain.AsMemory(1), default));
        Assert.False(await fetch.TryDecompressAsync("tenant", stored.AsMemory(1), plain, default));
        Assert.True(await fetch.TryDecompressAsync("tenant", stored, plain, default));
    }

    [Fact]
    public async Task Dead_process_is_replaced_and_the_request_made_again()
    {
        using StandInServer server = Serving();
        InProcessFetch processes = new();
        using FetchClient fetch = new(processes.Start, LineLog.Quiet);
        byte[] part = new byte[10];
        await fetch.ReadBlobAsync(Source(server), s_digest, 5, part, default);
        processes.Kill();
        await fetch.ReadBlobAsync(Source(server), s_digest, 7, part, default);
        Assert.Equal(s_blob[7..17], part);
        Assert.Equal(2, processes.Started);
    }

    [Fact]
    public async Task Process_that_always_dies_is_a_failure_in_the_end()
    {
        int started = 0;
        using FetchClient fetch = new(_ =>
        {
            started++;
            (SeqPacketSocket node, SeqPacketSocket process) = SeqPacketSocket.Pair();
            process.Dispose();
            return node.Descriptor;
        }, LineLog.Quiet);
        RegistryException failed = await Assert.ThrowsAsync<RegistryException>(() => fetch.TryDecompressAsync("tenant", new byte[1], new byte[4096], default));
        Assert.Equal(RegistryFailure.Unreachable, failed.Failure);
        Assert.Equal(3, started);
    }

    [Fact]
    public async Task Process_that_stands_still_is_given_up()
    {
        List<SeqPacketSocket> mute = [];
        using FetchClient fetch = new(_ =>
        {
            (SeqPacketSocket node, SeqPacketSocket process) = SeqPacketSocket.Pair();
            mute.Add(process);
            return node.Descriptor;
        }, LineLog.Quiet, stall: TimeSpan.FromMilliseconds(50));
        // 4 MiB do not fit the socket's buffer: the sender stands still as well.
        RegistryException failed = await Assert.ThrowsAsync<RegistryException>(() => fetch.TryDecompressAsync("tenant", new byte[4 << 20],
            new byte[4096], default));
        Assert.Equal(RegistryFailure.Unreachable, failed.Failure);
        Assert.Equal(3, mute.Count);
    }

    [Fact]
    public async Task Registrys_refusal_travels_with_its_kind_and_sentence()
    {
        using StandInServer server = new((_, response) => Task.Run(() => response.StatusCode = 404));
        using FetchClient fetch = new(new InProcessFetch().Start, LineLog.Quiet);
        RegistryException refused = await Assert.ThrowsAsync<RegistryException>(() => fetch.GetManifestAsync(Source(server), s_digest, default));
        Assert.Equal(RegistryFailure.NotFound, refused.Failure);
        Assert.Contains("404", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_request_leaves_the_connection_usable()
    {
        TaskCompletionSource asked = new();
        using StandInServer server = new(async (request, response) =>
        {
            if (request.RawUrl!.Contains("/slow/", StringComparison.Ordinal))
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite);
            }
            await response.OutputStream.WriteAsync(s_blob);
        });
        InProcessFetch processes = new();
        using FetchClient fetch = new(processes.Start, LineLog.Quiet);
        using CancellationTokenSource cancel = new();
        Task slow = fetch.ReadBlobAsync(Source(server) with { Repository = "slow" }, s_digest, 0, new byte[10], cancel.Token);
        await asked.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        await fetch.ReadBlobAsync(new FetchSource("r", server.Url.AbsoluteUri, true, "quick", null), s_digest, 0, new byte[10], default);
        Assert.Equal(1, processes.Started);
    }

    [Fact]
    public async Task Ten_thousand_mutated_answers_never_write_beyond_the_buffer()
    {
        Random random = new(3);
        for (int round = 0; round < 100; round++)
        {
            byte[] guarded = new byte[64];
            (SeqPacketSocket node, SeqPacketSocket process) = SeqPacketSocket.Pair();
            using (process)
            {
                FetchSocket link = new("fetch", node.Descriptor, TimeSpan.FromSeconds(20), LineLog.Quiet);
                Task<int> request = link.RequestAsync(FetchVerb.Get, new byte[1], default, guarded.AsMemory(16, 32), default);
                Assert.Equal(Errno.None, process.TryReceive(new byte[64], out _, out _));
                for (int i = 0; i < 100; i++)
                {
                    byte[] message = new byte[random.Next(1, 80)];
                    random.NextBytes(message);
                    if (message.Length >= 8 && random.Next(3) > 0)
                    {
                        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)random.Next(3));
                        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), (uint)random.Next(2, 8));
                    }
                    if (process.TrySend(message) != Errno.None)
                        break;
                }
                process.Shutdown();
                try
                {
                    Assert.InRange(await request, 0, 32);
                }
                catch (Exception e) when (e is RegistryException or FetchLostException)
                {
                }
            }
            Assert.False(guarded.AsSpan(0, 16).ContainsAnyExcept((byte)0) || guarded.AsSpan(48).ContainsAnyExcept((byte)0));
        }
    }

    [Theory]
    [InlineData()]
    [InlineData("x")]
    [InlineData("--convert")]
    [InlineData("--else", "3")]
    public void Wrong_arguments_end_the_role(params string[] arguments) => Assert.Equal(2, FetchRole.Run(arguments));

    private static FetchSource Source(StandInServer server) => new("r", server.Url.AbsoluteUri, true, "x", null);

    private static StandInServer Serving() => new(async (request, response) =>
    {
        string[] range = request.Headers["Range"]!["bytes=".Length..].Split('-');
        int from = int.Parse(range[0]), to = int.Parse(range[1]);
        response.StatusCode = 206;
        response.Headers["Content-Range"] = $"bytes {from}-{to}/{s_blob.Length}";
        await response.OutputStream.WriteAsync(s_blob.AsMemory(from, to - from + 1));
    });
}
