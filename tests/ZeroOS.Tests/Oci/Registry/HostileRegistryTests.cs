using Xunit;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Flist;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Oci.Registry;

public sealed class HostileRegistryTests
{
    /// <summary>An entry point for fuzzing: whatever a server says, a client ends with its own exception or with no more than was asked for.</summary>
    internal static async Task RunAsync(int seed)
    {
        using HostileServer server = new(seed);
        using RegistryClient client = new(server.Url, plainHttp: true, new RegistryCredentials { Username = "u", Password = "p" });
        long got = 0;
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(30));
        Func<Task>[] asks =
        [
            () => client.ReadBlobAsync("x", Sha256Digest.Of([1]), 1000, 5000, b => got += b.Length, late.Token),
            async () => Assert.InRange((await client.GetManifestAsync("x", "latest", 4096, late.Token)).Bytes.Length, 0, 4096),
            async () => Assert.Empty(await client.GetBlobAsync("x", Sha256Digest.Of([]), 100, late.Token)),
            () => client.HasBlobAsync("x", Sha256Digest.Of([1]), late.Token),
        ];
        try
        {
            await asks[seed % asks.Length]();
        }
        catch (RegistryException)
        {
        }
        Assert.InRange(got, 0, 5000);
    }

    [Fact]
    public async Task Two_hundred_hostile_servers_make_a_client_throw_nothing_but_its_own()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            try
            {
                await RunAsync(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}", e);
            }
        }
    }
}
