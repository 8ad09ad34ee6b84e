using Xunit;

using ZeroOS.Oci.Registry;

namespace ZeroOS.Tests.Oci.Registry;

public sealed class RegistryReferenceTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("demo/nginx:1", "demo", "nginx", "1", false)]
    [InlineData("demo/nginx", "demo", "nginx", "latest", false)]
    [InlineData("127.0.0.1:5000/a/b-c/d_e:v1.2", "127.0.0.1:5000", "a/b-c/d_e", "v1.2", false)]
    [InlineData("demo/nginx@" + Digest, "demo", "nginx", null, true)]
    [InlineData("demo/nginx:1@" + Digest, "demo", "nginx", "1", true)]
    public void Reference_falls_into_its_parts(string text, string registry, string repository, string? tag, bool digest)
    {
        Assert.True(RegistryReference.TryParse(text, out RegistryReference? reference, out _));
        Assert.Equal((registry, repository, tag, digest), (reference.Registry, reference.Repository, reference.Tag, reference.Digest is not null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nginx")]
    [InlineData("/nginx")]
    [InlineData("demo/")]
    [InlineData("demo/Nginx")]
    [InlineData("demo/a//b")]
    [InlineData("demo/../b")]
    [InlineData("demo/a:")]
    [InlineData("demo/a:b c")]
    [InlineData("demo/a@sha256:12")]
    [InlineData("de mo/a")]
    [InlineData("demo/a\n")]
    [InlineData("demo:x/a")]
    public void What_is_no_reference_is_refused_with_a_sentence(string text)
    {
        Assert.False(RegistryReference.TryParse(text, out _, out string? error));
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.27-alpine", "docker.io/library/nginx:1.27-alpine")]
    [InlineData("nginx@" + Digest, "docker.io/library/nginx@" + Digest)]
    [InlineData("grafana/grafana", "docker.io/grafana/grafana:latest")]
    [InlineData("docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("index.docker.io/library/nginx", "docker.io/library/nginx:latest")]
    [InlineData("ghcr.io/owner/image:v1", "ghcr.io/owner/image:v1")]
    [InlineData("localhost/image", "localhost/image:latest")]
    [InlineData("registry:5000/image", "registry:5000/image:latest")]
    [InlineData("mine/nginx", "mine/nginx:latest")]
    [InlineData("yours/nginx", "docker.io/yours/nginx:latest")]
    public void Name_is_read_as_Docker_reads_it(string text, string expected)
    {
        Assert.True(RegistryReference.TryParseDocker(text, r => r == "mine", out RegistryReference? reference, out string? error), error);
        Assert.Equal(expected, reference.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("Nginx")]
    [InlineData("nginx:")]
    [InlineData("ghcr.io/")]
    [InlineData("ghcr.io/Owner/image")]
    [InlineData("nginx@sha256:12")]
    public void What_Docker_would_not_take_is_refused_with_a_sentence(string text)
    {
        Assert.False(RegistryReference.TryParseDocker(text, _ => false, out _, out string? error));
        Assert.NotEmpty(error);
    }
}
