using System.Text;

using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Monitor;
using ZeroOS.Flist;
using ZeroOS.Images.Store;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Images.Store;

public sealed class ImageStoreTests
{
    private static readonly RegistryCredentials s_auth = new() { Username = "u", Password = "p" };

    [Fact]
    public async Task Every_chunk_is_read_as_the_image_has_it_and_gaps_are_zeros()
    {
        TestImage image = TestImage.Make(1);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        Assert.Equal(image.Digest.ToString(), prepared.Digest);
        Assert.Equal((0, image.Blob.Length), (prepared.BytesFetched, prepared.BytesTotal));
        using TestMonitor monitor = new(prepared);
        Assert.Equal(image.IndexBytes, monitor.IndexBytes());
        foreach (int chunk in Enumerable.Range(0, image.Index.ChunkCount).Reverse())
            Assert.True(image.Plain(chunk).SequenceEqual(monitor.Read(image, chunk)));
        Assert.Equal(image.Blob.Length, prepared.BytesFetched);
        Assert.Equal(image.Device, File.ReadAllBytes(Path.Combine(bench.DirectoryOf(image), "device")));
        Assert.Null(prepared.Trouble);
    }

    [Fact]
    public async Task Config_decides_how_it_runs()
    {
        TestImage image = TestImage.Make(1);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        ImageConfig config = (await PrepareAsync(bench, image)).Config;
        Assert.Equal((["/bin/x"], 0, ["A=b"], "7", "/w", "SIGQUIT", ["/data"]),
            (config.Entrypoint.ToArray(), config.Cmd.Count, config.Env.ToArray(), config.User, config.WorkingDir, config.StopSignal,
                config.Volumes.ToArray()), new ConfigComparer());
    }

    [Fact]
    public async Task Small_chunks_are_fetched_in_ranges_of_a_mebibyte()
    {
        TestImage image = TestImage.Make(2, chunks: 60);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using TestMonitor monitor = new(await PrepareAsync(bench, image));
        registry.Ranges.Clear();
        monitor.Read(image, 30);
        Assert.InRange(registry.Ranges.First().Length, 1 << 20, (1 << 20) + (64 * 1024));
    }

    [Fact]
    public async Task Everybody_who_waits_for_a_chunk_shares_one_fetch()
    {
        TestImage image = TestImage.Make(3, chunks: 3);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        registry.Ranges.Clear();
        TaskCompletionSource hold = new();
        registry.Hold = hold.Task;
        using TestMonitor one = new(prepared), two = new(await PrepareAsync(bench, image));
        one.Need(1);
        two.Need(1);
        one.Need(1);
        one.Need(2);
        hold.SetResult();
        Assert.Equal(ChunkMessage.Ready, one.Receive().Code);
        Assert.Equal(ChunkMessage.Ready, one.Receive().Code);
        Assert.Equal((1u, ChunkMessage.Ready), two.Receive());
        Assert.Single(registry.Ranges);
    }

    [Fact]
    public async Task Forged_chunk_is_never_visible_and_comes_when_the_registry_is_honest_again()
    {
        TestImage image = TestImage.Make(4, chunks: 4);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        FlistChunk target = image.Index[1];
        registry.Forge = (from, part) =>
        {
            if (target.BlobOffset - from is var at && at >= 0 && at < part.Length)
                part[at] ^= 1;
        };
        using TestMonitor monitor = new(prepared);
        monitor.Need(1);
        await ImageBench.EventuallyAsync(() => prepared.Trouble is not null && registry.Ranges.Count > 3, "it tries again and says why");
        Assert.Equal("chunk-forged", prepared.Trouble?.Reason);
        Assert.False(monitor.IsVerified(1));
        Assert.False(monitor.ReadDevice(image, 1).AsSpan().ContainsAnyExcept((byte)0));
        Assert.True(image.Plain(2).SequenceEqual(monitor.Read(image, 2)));

        registry.Forge = null;
        Assert.Equal((1u, ChunkMessage.Ready), monitor.Receive());
        Assert.True(image.Plain(1).SequenceEqual(monitor.ReadDevice(image, 1)));
        Assert.Null(prepared.Trouble);
    }

    [Fact]
    public async Task Chunk_whose_plain_bytes_are_not_what_the_index_says_stays_invisible()
    {
        TestImage image = TestImage.Make(5, chunks: 3, lyingPlainDigest: true);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        using TestMonitor monitor = new(prepared);
        monitor.Need(1);
        await ImageBench.EventuallyAsync(() => prepared.Trouble?.Reason == "chunk-forged", "it is refused");
        Assert.False(monitor.IsVerified(1));
    }

    [Fact]
    public async Task Registry_that_goes_away_in_the_middle_makes_reads_wait_until_it_is_back()
    {
        TestImage image = TestImage.Make(6, chunks: 60);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        using TestMonitor monitor = new(prepared);
        monitor.Read(image, 0);
        registry.Down = true;
        monitor.Need(59);
        await ImageBench.EventuallyAsync(() => prepared.Trouble?.Reason == "registry-unreachable", "it says why");
        Assert.True(image.Plain(0).SequenceEqual(monitor.Read(image, 0)));
        registry.Down = false;
        Assert.Equal((59u, ChunkMessage.Ready), monitor.Receive());
        Assert.Null(prepared.Trouble);
    }

    [Fact]
    public async Task Fetch_process_that_dies_in_the_middle_costs_a_retry()
    {
        TestImage image = TestImage.Make(7, chunks: 60);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using TestMonitor monitor = new(await PrepareAsync(bench, image));
        TaskCompletionSource hold = new();
        registry.Hold = hold.Task;
        monitor.Need(30);
        bench.Processes.Kill();
        hold.SetResult();
        Assert.Equal((30u, ChunkMessage.Ready), monitor.Receive());
        Assert.True(image.Plain(30).SequenceEqual(monitor.ReadDevice(image, 30)));
    }

    [Fact]
    public async Task Chunks_needed_at_start_come_unasked_and_no_others()
    {
        TestImage image = TestImage.Make(8, chunks: 60, chunkBytes: 256 * 1024, neededAtStart: 6);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        using TestMonitor monitor = new(prepared);
        await ImageBench.EventuallyAsync(() => Enumerable.Range(0, 6).All(monitor.IsVerified), "what is needed at start");
        Assert.InRange(prepared.BytesFetched, 1, prepared.BytesTotal / 2);
    }

    [Fact]
    public async Task Rest_is_filled_in_once_the_workload_runs_and_it_is_quiet()
    {
        TestImage image = TestImage.Make(9, chunks: 60);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url, new ImageStoreOptions
        {
            QuietBeforeFill = TimeSpan.FromMilliseconds(20),
            PersistDelay = TimeSpan.FromMilliseconds(10),
        });
        IImage prepared = await PrepareAsync(bench, image);
        Assert.Equal(0, prepared.BytesFetched);
        prepared.WorkloadRuns();
        await ImageBench.EventuallyAsync(() => prepared.BytesFetched == prepared.BytesTotal, "the fill");
        Assert.Equal(image.Device, File.ReadAllBytes(Path.Combine(bench.DirectoryOf(image), "device")));
    }

    [Fact]
    public async Task After_a_restart_of_the_node_verified_chunks_stay_verified()
    {
        TestImage image = TestImage.Make(10, chunks: 3);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await PrepareAsync(bench, image)))
            monitor.Read(image, 1);
        registry.Down = true;
        await bench.RestartAsync();
        IImage again = await PrepareAsync(bench, image);
        using TestMonitor later = new(again);
        Assert.True(later.IsVerified(1));
        Assert.True(image.Plain(1).SequenceEqual(later.Read(image, 1)));
        Assert.NotEqual(0, again.BytesFetched);
    }

    [Fact]
    public async Task After_a_reboot_nothing_is_verified_and_hinted_chunks_need_no_registry()
    {
        TestImage image = TestImage.Make(11, chunks: 3);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await PrepareAsync(bench, image)))
            monitor.Read(image, 1);
        registry.Down = true;
        await bench.RebootAsync();
        using TestMonitor later = new(await PrepareAsync(bench, image));
        Assert.False(later.IsVerified(1));
        Assert.True(image.Plain(1).SequenceEqual(later.Read(image, 1)));
    }

    [Fact]
    public async Task Bytes_that_changed_on_the_disk_are_found_and_fetched_again()
    {
        TestImage image = TestImage.Make(12, chunks: 3);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await PrepareAsync(bench, image)))
            monitor.Read(image, 1);
        await bench.RebootAsync(() => Patch(Path.Combine(bench.DirectoryOf(image), "device"), image.Index[1].DeviceOffset + 100));
        using TestMonitor later = new(await PrepareAsync(bench, image));
        Assert.True(image.Plain(1).SequenceEqual(later.Read(image, 1)));
    }

    [Theory]
    [InlineData("manifest")]
    [InlineData("config")]
    [InlineData("index")]
    [InlineData("device")]
    [InlineData("present")]
    public async Task Whatever_file_a_crash_tore_or_lost_the_next_start_goes_on(string file)
    {
        TestImage image = TestImage.Make(13, chunks: 5);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        string path = Path.Combine(bench.DirectoryOf(image), file);
        Action[] accidents = [() => File.Delete(path), () => Cut(path), () => Patch(path, 20), () => File.WriteAllText(path + ".new", "half")];
        foreach (Action accident in accidents)
        {
            using (TestMonitor monitor = new(await PrepareAsync(bench, image)))
                monitor.Read(image, 4);
            await bench.RebootAsync(accident);
            using TestMonitor later = new(await PrepareAsync(bench, image));
            for (int chunk = 0; chunk < 5; chunk++)
                Assert.True(image.Plain(chunk).SequenceEqual(later.Read(image, chunk)));
        }
    }

    [Fact]
    public async Task Lost_device_forgets_what_was_verified_even_within_one_boot()
    {
        TestImage image = TestImage.Make(14, chunks: 3);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await PrepareAsync(bench, image)))
            monitor.Read(image, 1);
        await bench.RestartAsync(() => File.Delete(Path.Combine(bench.DirectoryOf(image), "device")));
        using TestMonitor later = new(await PrepareAsync(bench, image));
        Assert.False(later.IsVerified(1));
        Assert.True(image.Plain(1).SequenceEqual(later.Read(image, 1)));
    }

    [Fact]
    public async Task Chunks_another_image_has_are_not_fetched()
    {
        TestImage first = TestImage.Make(15, chunks: 6), second = TestImage.Make(15, chunks: 6, config: """{"config":{}}""");
        Assert.NotEqual(first.Digest, second.Digest);
        using TestRegistry registry = new(first, second);
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await PrepareAsync(bench, first)))
            Enumerable.Range(0, 6).ToList().ForEach(c => monitor.Read(first, c));
        IImage prepared = await PrepareAsync(bench, second);
        registry.Down = true;
        using TestMonitor other = new(prepared);
        for (int chunk = 0; chunk < 6; chunk++)
            Assert.True(second.Plain(chunk).SequenceEqual(other.Read(second, chunk)));
    }

    [Fact]
    public async Task What_was_fetched_with_credentials_is_lent_to_nobody_else()
    {
        TestImage secret = TestImage.Make(16, chunks: 3), twin = TestImage.Make(16, chunks: 3, config: """{"config":{}}""");
        using TestRegistry registry = new(secret, twin) { Password = "Basic dTpw" };
        await using ImageBench bench = new(registry.Url);
        using (TestMonitor monitor = new(await bench.Store.PrepareAsync("alice", secret.Reference(auth: s_auth), default)))
            Enumerable.Range(0, 3).ToList().ForEach(c => monitor.Read(secret, c));
        Assert.False(Directory.Exists(bench.DirectoryOf(secret)));

        // Knowing the digest opens nothing, with or without credentials of one's own that the registry refuses.
        WorkloadException denied = await Assert.ThrowsAsync<WorkloadException>(() => PrepareAsync(bench, secret));
        Assert.Equal(("registry-denied", false), (denied.Reason, denied.Permanent));
        denied = await Assert.ThrowsAsync<WorkloadException>(() => bench.Store.PrepareAsync("bob",
            secret.Reference(auth: s_auth with { Password = "q" }), default));
        Assert.Equal("registry-denied", denied.Reason);

        // An image of everybody's with the same chunks fetches them itself; one of the same tenant's does not.
        registry.Password = null;
        IImage open = await PrepareAsync(bench, twin);
        registry.Password = "Basic dTpw";
        IImage own = await bench.Store.PrepareAsync("alice", twin.Reference(auth: s_auth), default);
        registry.Down = true;
        using TestMonitor stranger = new(open), alice = new(own);
        stranger.Need(1);
        await ImageBench.EventuallyAsync(() => open.Trouble is not null, "the stranger waits");
        Assert.True(twin.Plain(1).SequenceEqual(alice.Read(twin, 1)));
        Assert.False(stranger.IsVerified(1));
    }

    [Fact]
    public async Task Refusals_have_their_reasons()
    {
        TestImage image = TestImage.Make(17);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        Assert.Equal(("image-not-found", true), await RefusedAsync(bench, image.Reference() with { Digest = Sha256Digest.Of([9]).ToString() }));
        Assert.Equal(("image-invalid", true), await RefusedAsync(bench, image.Reference() with { Digest = "latest" }));
        Assert.Equal(("image-invalid", true), await RefusedAsync(bench, image.Reference() with { Reference = "nginx" }));
        Assert.Equal(("registry-unknown", true), await RefusedAsync(bench, image.Reference("other")));
        registry.Down = true;
        Assert.Equal(("registry-unreachable", false), await RefusedAsync(bench, image.Reference()));
        Assert.Empty(Directory.GetFileSystemEntries(bench.Images));
        registry.Down = false;
        Assert.NotNull(await PrepareAsync(bench, image));
    }

    [Fact]
    public async Task Image_that_breaks_a_rule_is_invalid_for_ever()
    {
        using TestRegistry registry = new();
        await using ImageBench bench = new(registry.Url);
        TestImage image = TestImage.Make(18, chunks: 3), other = TestImage.Make(19, chunks: 3);
        foreach (byte[] manifest in new[]
        {
            "{}"u8.ToArray(),
            TestImage.Manifest(image.Config, image.IndexBytes, other.Blob, "rootfs"),
            TestImage.Manifest(image.Config, image.IndexBytes, image.Blob, "folder"),
            TestImage.Manifest(image.Config, "no index at all, but long enough to be one, 64 bytes and a few more"u8.ToArray(), image.Blob, "rootfs"),
            TestImage.Manifest("""{"architecture":"arm64"}"""u8.ToArray(), image.IndexBytes, image.Blob, "rootfs"),
        })
        {
            Sha256Digest digest = Sha256Digest.Of(manifest);
            foreach (byte[] piece in new[] { image.Config, image.IndexBytes, "no index at all, but long enough to be one, 64 bytes and a few more"u8.ToArray(),
                """{"architecture":"arm64"}"""u8.ToArray() })
                registry.Replace($"blobs/{Sha256Digest.Of(piece)}", piece);
            registry.Replace($"manifests/{digest}", manifest);
            Assert.Equal(("image-invalid", true), await RefusedAsync(bench, image.Reference() with { Digest = digest.ToString() }));
            Assert.Empty(Directory.GetFileSystemEntries(bench.Images));
        }
    }

    [Fact]
    public async Task Registry_that_lies_about_the_index_is_refused_and_may_be_honest_later()
    {
        TestImage image = TestImage.Make(20);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        byte[] forged = (byte[])image.IndexBytes.Clone();
        forged[200] ^= 1;
        registry.Replace($"blobs/{Sha256Digest.Of(image.IndexBytes)}", forged);
        Assert.Equal(("chunk-forged", false), await RefusedAsync(bench, image.Reference()));
        registry.Add(image);
        Assert.NotNull(await PrepareAsync(bench, image));
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 12, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 0, 0, 0 })]
    public async Task Monitor_that_talks_nonsense_is_cut_off_and_others_are_served(byte[] nonsense)
    {
        TestImage image = TestImage.Make(21);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        IImage prepared = await PrepareAsync(bench, image);
        using TestMonitor hostile = new(prepared), honest = new(prepared);
        Assert.Equal(Errno.None, hostile.Socket.TrySend(nonsense));
        Assert.Equal((0u, uint.MaxValue), hostile.Receive());
        Assert.True(image.Plain(1).SequenceEqual(honest.Read(image, 1)));
    }

    [Fact]
    public async Task Monitor_that_does_not_read_its_answers_hears_each_one_later()
    {
        TestImage image = TestImage.Make(22, chunks: 400, chunkBytes: 4096);
        using TestRegistry registry = new(image);
        await using ImageBench bench = new(registry.Url);
        using TestMonitor monitor = new(await PrepareAsync(bench, image));
        for (int chunk = 0; chunk < 400; chunk++)
            monitor.Need(chunk);
        await ImageBench.EventuallyAsync(() => Enumerable.Range(0, 400).All(monitor.IsVerified), "all chunks");
        HashSet<uint> told = [];
        while (told.Count < 400)
            Assert.True(told.Add(monitor.Receive().Chunk));
    }

    private static async Task<IImage> PrepareAsync(ImageBench bench, TestImage image)
    {
        IImage prepared = await bench.Store.PrepareAsync("tenant", image.Reference(), default);
        prepared.Allow();
        return prepared;
    }

    private static async Task<(string, bool)> RefusedAsync(ImageBench bench, FlistReference reference)
    {
        WorkloadException refused = await Assert.ThrowsAsync<WorkloadException>(() => bench.Store.PrepareAsync("tenant", reference, default));
        Assert.NotEmpty(refused.Message);
        return (refused.Reason, refused.Permanent);
    }

    private static void Patch(string path, long at)
    {
        using FileStream file = File.Open(path, FileMode.Open);
        file.Position = at;
        file.Write([.. Encoding.ASCII.GetBytes("vandal")]);
    }

    private static void Cut(string path)
    {
        using FileStream file = File.Open(path, FileMode.Open);
        file.SetLength(file.Length / 2);
    }

    private sealed class ConfigComparer : IEqualityComparer<(string[], int, string[], string, string, string, string[])>
    {
        public bool Equals((string[], int, string[], string, string, string, string[]) x, (string[], int, string[], string, string, string, string[]) y) =>
            x.Item1.SequenceEqual(y.Item1) && x.Item2 == y.Item2 && x.Item3.SequenceEqual(y.Item3) && (x.Item4, x.Item5, x.Item6) == (y.Item4, y.Item5, y.Item6)
            && x.Item7.SequenceEqual(y.Item7);

        public int GetHashCode((string[], int, string[], string, string, string, string[]) obj) => 0;
    }
}
