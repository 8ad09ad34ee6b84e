using System.Text;

namespace ZeroOS.Tests.Repository.Limits;

/// <summary>The table of limits: everything that a stranger, tenant, guest, image, registry or monitor can multiply. docs/limits.md is its text.</summary>
internal static class LimitTable
{
    /// <summary>The parts of the table, each with its heading.</summary>
    public static readonly (string Heading, Limit[] Rows)[] Parts =
    [
        ("The bus", BusLimits.Rows),
        ("Deployments", DeploymentLimits.Rows),
        ("Guests and monitors", GuestLimits.Rows),
        ("Images and registries", ImageLimits.Rows),
        ("Networks", NetworkLimits.Rows),
        ("Docker's API on a workstation", DockerLimits.Rows),
    ];

    /// <summary>The whole page.</summary>
    public static string ToMarkdown()
    {
        StringBuilder page = new();
        page.Append("""
            # Limits

            This page lists everything that an outsider can multiply: a stranger, a tenant, a guest, an image, a registry or a monitor. Each row names the
            limit per owner, the limit in sum, what happens at the limit, the constant that holds the number, and the test that reaches it. "-" says that there
            is none.

            The page is generated from the table in `tests/ZeroOS.Tests/Repository/Limits`. `ZEROOS_WRITE_LIMITS=1 dotnet test tests/ZeroOS.Tests --filter
            LimitTableTests` writes it. A test compares the two, and checks that every constant and every test exists.


            """);
        foreach ((string heading, Limit[] rows) in Parts)
        {
            page.Append("## ").Append(heading)
                .Append("\n\n| what | who can multiply it | per owner | in sum | at the limit | constant | test |\n|---|---|---|---|---|---|---|\n");
            foreach (Limit row in rows)
                page.Append("| ").AppendJoin(" | ", row.What, row.Who, row.PerOwner, row.InSum, row.AtLimit, row.Constant, row.Test).Append(" |\n");
            page.Append('\n');
        }
        return page.ToString().TrimEnd('\n') + "\n";
    }
}
