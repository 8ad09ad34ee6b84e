using System.Collections.Concurrent;
using System.Text;

using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Tests.Oci.Registry;
using ZeroOS.Tests.Repository;
using ZeroOS.Tests.Shared;

namespace ZeroOS.Tests.Images.Fetch;

/// <summary>The real fetch roles of the native program, under their filters and under load: they do all their work, and die of nothing.</summary>
[Trait("tier", "kernel")]
public sealed class SealedFetchTests : IDisposable
{
    private const int BlobBytes = 4 << 20;
    private static readonly byte[] s_blob = [.. Enumerable.Range(0, BlobBytes).Select(i => (byte)(i * 31 >> 3))];
    private static readonly Sha256Digest s_digest = Sha256Digest.Of(s_blob);
    // before anything that Dispose undoes
    private readonly string _program = Environment.GetEnvironmentVariable("ZEROOS_PROGRAM") ?? NativePrograms.Need("zeroos");
    private readonly string _folder = Directory.CreateTempSubdirectory("zeroos-sealed").FullName;
    private readonly ConcurrentQueue<(int Pid, FileDescriptor Said)> _started = [];
    private string _authorities = "/etc/ssl/certs/ca-certificates.crt";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Registries_with_and_without_tls_are_spoken_with_under_load()
    {
        using TlsBlobServer secure = new(s_blob);
        using StandInServer plain = Serving();
        File.WriteAllText(_authorities = Path.Combine(_folder, "ca.pem"), secure.Authority);
        using (FetchClient fetch = new(Start, LineLog.Quiet, linger: TimeSpan.FromMinutes(1)))
        {
            FetchSource[] sources =
            [
                new("s", secure.Url, false, "x", null, "one"), new("s", secure.Url, false, "x", null, "two"),
                new("p", plain.Url.AbsoluteUri, true, "x", null, "one"),
            ];
            await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
            {
                byte[] all = new byte[BlobBytes];
                await fetch.ReadBlobAsync(sources[i % sources.Length], s_digest, 0, all, default);
                Assert.True(all.AsSpan().SequenceEqual(s_blob));
            }));
            AssertSealed(sources.Length);
        }
        AssertEndedInPeace();
    }

    [SkippableFact]
    public async Task Who_is_not_trusted_or_not_there_is_a_refusal_and_not_the_end()
    {
        using TlsBlobServer secure = new(s_blob);
        using StandInServer plain = Serving();
        using (FetchClient fetch = new(Start, LineLog.Quiet, linger: TimeSpan.FromMinutes(1)))
        {
            foreach (string url in (string[])[secure.Url, "https://nowhere.invalid/", "http://127.0.0.1:1/", "http://[::1]:1/"])
            {
                FetchSource source = new("r", url, url.StartsWith("http:", StringComparison.Ordinal), "x", null, "one");
                await Assert.ThrowsAsync<RegistryException>(() => fetch.ReadBlobAsync(source, s_digest, 0, new byte[100], default));
            }
            byte[] part = new byte[100];
            await fetch.ReadBlobAsync(new FetchSource("p", plain.Url.AbsoluteUri, true, "x", null, "one"), s_digest, 0, part, default);
            Assert.Equal(s_blob[..100], part);
        }
        AssertEndedInPeace();
    }

    [SkippableFact]
    public async Task Chunks_are_decompressed_and_what_is_none_is_a_refusal()
    {
        using ZstdCompressor compressor = new(3);
        byte[] stored = new byte[ZstdLibrary.CompressBound(BlobBytes)];
        stored = stored[..compressor.Compress(s_blob, stored)];
        using (FetchClient fetch = new(Start, LineLog.Quiet, linger: TimeSpan.FromMinutes(1)))
        {
            await Task.WhenAll(Enumerable.Range(0, 60).Select(async i =>
            {
                byte[] plain = new byte[BlobBytes];
                Assert.Equal(i % 5 > 0, await fetch.TryDecompressAsync($"tenant {i % 3}", i % 5 > 0 ? stored : stored.AsMemory(1), plain, default));
                Assert.True(i % 5 == 0 || plain.AsSpan().SequenceEqual(s_blob));
            }));
            AssertSealed(3);
        }
        AssertEndedInPeace();
    }

    private static StandInServer Serving() => new(async (request, response) =>
    {
        int[] range = [.. request.Headers["Range"]!["bytes=".Length..].Split('-').Select(int.Parse)];
        response.StatusCode = 206;
        response.Headers["Content-Range"] = $"bytes {range[0]}-{range[1]}/{BlobBytes}";
        await response.OutputStream.WriteAsync(s_blob.AsMemory(range[0], range[1] - range[0] + 1));
    });

    private FileDescriptor Start(string role)
    {
        (SeqPacketSocket node, SeqPacketSocket process) = SeqPacketSocket.Pair();
        (FileDescriptor said, FileDescriptor saying) = Pipe.NonBlocking();
        using FileDescriptor nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite), end = process.Descriptor, unused = saying;
        int pid = ChildProcess.Spawn(new ChildStart
        {
            Path = _program,
            Arguments = role == FetchClient.ConvertRoleName ? ["zeroos", "fetch", "--convert", "10"] : ["zeroos", "fetch", "10"],
            Environment = ["HOME=/", $"SSL_CERT_FILE={_authorities}", "DOTNET_GCHeapHardLimit=8000000"],
            Descriptors = [(nothing, 0), (nothing, 1), (saying, 2), (end, 10)],
        });
        _started.Enqueue((pid, said));
        return node.Descriptor;
    }

    private void AssertSealed(int processes)
    {
        Assert.Equal(processes, _started.Count); // nobody had to be started again
        foreach ((int pid, _) in _started)
        {
            foreach (string task in Directory.GetDirectories($"/proc/{pid}/task"))
                Assert.Contains("NoNewPrivs:\t1\nSeccomp:\t2\n", File.ReadAllText($"{task}/status"), StringComparison.Ordinal);
        }
    }

    private void AssertEndedInPeace()
    {
        byte[] buffer = new byte[4096];
        foreach ((int pid, FileDescriptor said) in _started)
        {
            Assert.Equal(Errno.None, ChildProcess.TryWait(pid, out ProcessExit exit));
            string words = said.TryRead(buffer, out int length) == Errno.None ? Encoding.UTF8.GetString(buffer, 0, length) : "";
            Assert.Equal("exit 0, ", $"{exit}, {words}");
            said.Dispose();
        }
    }
}
