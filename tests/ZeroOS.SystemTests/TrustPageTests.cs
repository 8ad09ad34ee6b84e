using ZeroOS.SystemTests.Bench;
using ZeroOS.SystemTests.Documented;

namespace ZeroOS.SystemTests;

/// <summary>docs/trust.md, typed in as it stands: an image signed by its maker, a node with a TPM, and what owner and tenant can prove of it.</summary>
public sealed class TrustPageTests
{
    private const int Port = 18052;
    private static readonly TimeSpan s_typing = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task A_tenant_who_types_what_the_page_says_has_the_proof_of_what_a_node_runs()
    {
        Skip.IfNot(File.Exists("/usr/bin/zbarimg"), "zbar-tools is not installed");
        Skip.IfNot(File.Exists("/usr/share/OVMF/OVMF_CODE_4M.fd"), "ovmf is not installed");
        Skip.IfNot(File.Exists("/usr/bin/swtpm_setup"), "swtpm-tools is not installed");
        if (Directory.Exists(Checkout.Path("out", "nodes", "trust")))
            Directory.Delete(Checkout.Path("out", "nodes", "trust"), recursive: true);
        await using Reader reader = Reader.Open(Checkout.Path("docs", "trust.md"), Path.Combine(Checkout.Scratch("trust-page"), "desk"),
            ("ZEROOS", await BootableImage.Root));
        await reader.Run("maker", s_typing);
        await reader.Run("boot", s_typing);
        await World.WhoIsThere(Port, TimeSpan.FromMinutes(3), () => { }); // what a person sees on the screen: the node's id is there
        await reader.RunTheRest(s_typing);
    }
}
